"""Improved GAN: a classifier of K classes and "generated", whose features the generator matches.

Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, *Improved Techniques for Training GANs*,
NIPS 2016, arXiv:1606.03498, section 5 (the logit of "generated" fixed at 0) and section 3.1
(feature matching: the L1 distance of mean features, as in its published code). As in that code:
dropout of the images, minibatches of 100, ADAM with 3e-4, 0.5.

Deviations: all labels are used, and the generator is given none, as there. Weight norm, dropout
within the network, minibatch discrimination, historical averaging and virtual batch norm are left
out, and with them what its best Inception score, that of Table 4, was found with; generator, critic
and latent are the study's.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig
from gfmn.common.bounds import BATCH, RATE


@METHODS.register("improved_gan")
class ImprovedGANConfig(BaselineConfig):
    """Parameters of Improved GAN."""

    has_classes: ClassVar[bool] = False
    labeled: ClassVar[bool] = True

    method: Literal["improved_gan"]
    critic: Literal["dcgan", "sngan", "resnet"] = "sngan"
    dropout: float = Field(0.2, ge=0, lt=1)  # share of the images' values
    batch: int = Field(100, ge=2, le=BATCH)
    lr: float = Field(3e-4, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return ImprovedGAN(self, setting)


class ImprovedGAN(Method):
    """L_C = cross-entropy of K + 1 classes; L_G = mean |E f(real) - E f(fake)| over features."""

    uses_real = True

    def __init__(self, config: ImprovedGANConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(setting.image_size, config.critic_width)
        heads = critics.Heads(outputs=setting.classes)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        assert real.labels is not None
        return class_loss(
            self.critic(self._dropped(real)), real.labels, self.critic(self._dropped(fake))
        )

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        assert real is not None
        means = [self.critic.features(self._dropped(batch)).mean(0) for batch in (real, fake)]
        return F.l1_loss(means[1], means[0])

    def _dropped(self, batch: Batch) -> Tensor:
        return F.dropout(batch.images, self.config.dropout)


def class_loss(real: Tensor, labels: Tensor, fake: Tensor) -> Tensor:
    """Cross-entropy of labels, and half of that of real or generated, from B x K logits.

    The probability of "real" is Z / (Z + 1) with Z the sum of the logits' exponentials.
    """
    supervised = F.cross_entropy(real, labels)
    known, unknown = real.logsumexp(1), fake.logsumexp(1)
    return supervised + (F.softplus(-known).mean() + F.softplus(unknown).mean()) / 2
