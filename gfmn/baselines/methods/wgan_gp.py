"""WGAN-GP: the critic estimates the Wasserstein distance, held 1-Lipschitz by a penalty.

Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, *Improved Training of Wasserstein GANs*, NIPS
2017, arXiv:1704.00028, algorithm 1. As there: lambda 10, five updates of the critic for one of the
generator, ADAM with 1e-4, 0, 0.9 and minibatches of 64; no batch norm in the critic. With classes
an auxiliary classifier as in its section 5.4, with weights 1 and 0.1.

Deviations: the generator and the critic are the study's (`dcgan` unless a row says otherwise), the
latent is the study's. Its residual networks for CIFAR-10 have a rate of 2e-4 that falls linearly to
0, and normalize the classes' generator by class; here a class is a part of the generator's input.
With `critic: extractor` it is the experiment of the GFMN paper's section 5.3 and appendix 8.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor
from gfmn.baselines.losses import gradient_penalty, mixed


@METHODS.register("wgan_gp")
class WGANGPConfig(BaselineConfig):
    """Parameters of WGAN-GP."""

    method: Literal["wgan_gp"]
    penalty: Factor = 10.0  # lambda
    classifier_weights: tuple[Factor, Factor] = (1.0, 0.1)  # in the critic's and generator's loss
    pretrained: bool = True  # `critic: extractor` begins with the extractor's weights
    critic_steps: int = Field(5, ge=1, le=1000)
    beta1: float = Field(0.0, ge=0, lt=1)
    beta2: float = Field(0.9, ge=0, lt=1)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return WGANGP(self, setting)


class WGANGP(Method):
    """L_C = E C(fake) - E C(real) + lambda E (|grad C(mixed)| - 1)^2; L_G = -E C(fake)."""

    second_order = True

    def __init__(self, config: WGANGPConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(
            setting.image_size,
            config.critic_width,
            extractor=setting.extractor,
            pretrained=config.pretrained,
        )
        heads = critics.Heads(classes=setting.classes)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        features = self.critic.features(real.images)
        distance: Tensor = self.critic(fake.images).mean() - self.critic.outputs(features).mean()
        penalty = gradient_penalty(self.critic, mixed(real.images, fake.images))
        loss = distance + self.config.penalty * penalty
        return loss + self.config.classifier_weights[0] * self._errors(features, real.labels)

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        features = self.critic.features(fake.images)
        loss: Tensor = -self.critic.outputs(features).mean()
        return loss + self.config.classifier_weights[1] * self._errors(features, fake.labels)

    def _errors(self, features: Tensor, labels: Tensor | None) -> Tensor:
        if self.critic.classifier is None or labels is None:
            return features.new_zeros(())
        return F.cross_entropy(self.critic.classifier(features).float(), labels)
