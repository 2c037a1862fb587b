"""MMD GAN: the maximum mean discrepancy of what a trained encoder makes of images.

Li, Chang, Cheng, Yang and Poczos, *MMD GAN: Towards Deeper Understanding of Moment Matching
Network*, NIPS 2017, arXiv:1705.08584, algorithm 1. The critic is an encoder that a decoder rebuilds
images from, so that it stays injective; its weights are clipped to +-0.01, and the feasible set is
reduced to encoders of which real images have the larger mean (section 4). As in its published code:
the square root of the biased estimate, kernels of scales 1 to 16, weights 8 of both errors of the
autoencoder and 16 of the set's reduction, RMSProp with 5e-5, minibatches of 64, 5 updates of the
critic for one of the generator, but 100 at each of the first 25 and at every 500th.

Deviations: encoder, decoder (the generator `dcgan` of codes of 100) and generator are the study's.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn import generators
from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor, Scales
from gfmn.baselines.kernels import gaussian, root, squared_mmd
from gfmn.common.bounds import LATENT, RATE, STEPS


@METHODS.register("mmd_gan")
class MMDGANConfig(BaselineConfig):
    """Parameters of MMD GAN."""

    has_classes: ClassVar[bool] = False

    method: Literal["mmd_gan"]
    critic: Literal["dcgan", "sngan", "resnet"] = "dcgan"
    scales: Scales = (1.0, 2.0, 4.0, 8.0, 16.0)  # of the kernels
    code: int = Field(100, ge=1, le=LATENT)  # numbers that the encoder makes of an image
    reconstruction: Factor = 8.0  # weight of the autoencoder's squared errors
    reduction: Factor = 16.0  # weight of the feasible set's reduction
    clip: Factor = 0.01  # largest absolute weight of the encoder
    first: int = Field(25, ge=0, le=STEPS)  # steps with `many` updates of the critic
    every: int = Field(500, ge=1, le=STEPS)  # and one in so many
    many: int = Field(100, ge=1, le=1000)
    critic_steps: int = Field(5, ge=1, le=1000)
    optimizer: Literal["adam", "rmsprop", "sgd"] = "rmsprop"
    lr: float = Field(5e-5, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return MMDGAN(self, setting)


class MMDGAN(Method):
    """L_G = MMD(e(real), e(fake)) + w min(0, difference of means of e); L_C = errors - L_G."""

    uses_real = True

    def __init__(self, config: MMDGANConfig, setting: Setting) -> None:
        super().__init__()
        self.config, self.kernel = config, gaussian(config.scales)
        shape = critics.Shape(setting.image_size, config.critic_width, batchnorm=True)
        heads = critics.Heads(outputs=config.code)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)
        self.decoder: nn.Module = generators.build("dcgan", setting.image_size, config.code)

    def critic_updates(self, step: int, usual: int) -> int:
        """See the file."""
        often = step < self.config.first or step % self.config.every == 0
        return self.config.many if often else usual

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        codes = [self.critic(batch.images) for batch in (real, fake)]
        errors = sum(
            F.mse_loss(self.decoder(code), batch.images)
            for code, batch in zip(codes, (real, fake), strict=True)
        )
        return self.config.reconstruction * errors - self._distance(*codes)

    def after_critic_step(self) -> None:
        """Clip the encoder's weights."""
        for weight in self.critic.parameters():
            weight.data.clamp_(-self.config.clip, self.config.clip)

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        assert real is not None
        return self._distance(self.critic(real.images), self.critic(fake.images))

    def _distance(self, real: Tensor, fake: Tensor) -> Tensor:
        order = real.mean(0) - fake.mean(0)
        reduced = -F.relu(-order).mean()  # 0 where real images have the larger means
        return root(squared_mmd(self.kernel, real, fake)) + self.config.reduction * reduced
