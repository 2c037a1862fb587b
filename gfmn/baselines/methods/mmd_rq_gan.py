"""MMD_rq GAN: a rational quadratic kernel of a critic's few outputs, its witness's slope held at 1.

Binkowski, Sutherland, Arbel and Gretton, *Demystifying MMD GANs*, ICLR 2018, arXiv:1801.01401: the
unbiased estimate of the squared MMD under the sum of kernels of scales 0.2, 0.5, 1, 2 and 5 (eq.
7), a critic of 16 outputs, and WGAN-GP's penalty applied to the witness function. As in its
published scripts the penalty's weight is 1; ADAM with 1e-4, 0.5, 0.9, minibatches of 64, 5 updates
of the critic for one of the generator.

Deviations: generator, critic and latent are the study's; the penalty on activations and the rate
that follows a three-sample test are left out; the witness of a minibatch stands for that of all.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor, Scales
from gfmn.baselines.kernels import rational_quadratic, squared_mmd, witness
from gfmn.baselines.losses import gradient_penalty, mixed


@METHODS.register("mmd_rq_gan")
class MMDRQGANConfig(BaselineConfig):
    """Parameters of MMD_rq GAN."""

    has_classes: ClassVar[bool] = False

    method: Literal["mmd_rq_gan"]
    critic: Literal["dcgan", "sngan", "resnet"] = "dcgan"
    scales: Scales = (0.2, 0.5, 1.0, 2.0, 5.0)  # of the kernels
    outputs: int = Field(16, ge=1, le=4096)  # of the critic
    penalty: Factor = 1.0
    critic_steps: int = Field(5, ge=1, le=1000)
    beta2: float = Field(0.9, ge=0, lt=1)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return MMDRQGAN(self, setting)


class MMDRQGAN(Method):
    """L_G = MMD^2(h(real), h(fake)); L_C = -L_G + w E (|grad witness(mixed)| - 1)^2."""

    second_order = True
    uses_real = True

    def __init__(self, config: MMDRQGANConfig, setting: Setting) -> None:
        super().__init__()
        self.config, self.kernel = config, rational_quadratic(config.scales)
        shape = critics.Shape(setting.image_size, config.critic_width)
        heads = critics.Heads(outputs=config.outputs)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        x, y = self.critic(real.images), self.critic(fake.images)

        def values(images: Tensor) -> Tensor:
            return witness(self.kernel, self.critic(images), x, y)

        penalty = gradient_penalty(values, mixed(real.images, fake.images))
        distance = squared_mmd(self.kernel, x, y, unbiased=True)
        return self.config.penalty * penalty - distance

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        assert real is not None
        x, y = self.critic(real.images), self.critic(fake.images)
        return squared_mmd(self.kernel, x, y, unbiased=True)
