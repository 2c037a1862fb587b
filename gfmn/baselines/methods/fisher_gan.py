"""Fisher GAN: the critic's mean difference, measured in the critic's own standard deviations.

Mroueh and Sercu, *Fisher GAN*, NIPS 2017, arXiv:1705.09675, eq. 9 and algorithm 1: the constraint
that the critic's second moment is 1, by an augmented Lagrangian whose multiplier follows the
constraint. As there: rho 1e-6, batch norm in the critic, minibatches of 64, two updates of the
critic for one of the generator, ADAM with 2e-4, 0.5, 0.999.

Deviations: generator, critic and latent are the study's; the paper's residual networks, whose
figure Table 4 has, are `generator: resnet`, `critic: resnet`. With classes a projection head, where
the paper has a classifier in the critic.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor
from gfmn.common.bounds import RATE


@METHODS.register("fisher_gan")
class FisherGANConfig(BaselineConfig):
    """Parameters of Fisher GAN."""

    method: Literal["fisher_gan"]
    critic: Literal["dcgan", "sngan", "resnet"] = "dcgan"
    rho: Factor = 1e-6  # of the quadratic penalty, and the multiplier's rate
    critic_steps: int = Field(2, ge=1, le=1000)
    lr: float = Field(2e-4, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return FisherGAN(self, setting)


def lagrangian(real: Tensor, fake: Tensor, multiplier: Tensor, rho: float) -> Tensor:
    """What the critic maximizes, of its values f on real and generated images (eq. 9).

    E f(real) - E f(fake) + multiplier * (1 - W) - rho / 2 * (1 - W)^2 with W, the second moment
    of f, over both alike.
    """
    slack = 1 - second_moment(real, fake)
    return real.mean() - fake.mean() + multiplier * slack - rho / 2 * slack.square()


def second_moment(real: Tensor, fake: Tensor) -> Tensor:
    """Half of E f(real)^2 + E f(fake)^2."""
    return (real.square().mean() + fake.square().mean()) / 2


class FisherGAN(Method):
    """L_C = -lagrangian; L_G = -E f(fake); the multiplier grows while the second moment is > 1."""

    multiplier: Tensor  # lambda
    moment: Tensor  # of the last update

    def __init__(self, config: FisherGANConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(setting.image_size, config.critic_width, batchnorm=True)
        heads = critics.Heads(projected=setting.classes)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)
        self.register_buffer("multiplier", torch.zeros(()))
        self.register_buffer("moment", torch.ones(()))

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        values = self.critic(*real), self.critic(*fake)
        self.moment.copy_(second_moment(*values).detach())
        return -lagrangian(*values, self.multiplier, self.config.rho)

    def after_critic_step(self) -> None:
        """A step of gradient descent of the Lagrangian by its multiplier."""
        self.multiplier.add_(self.config.rho * (self.moment - 1))

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        loss: Tensor = -self.critic(*fake).mean()
        return loss
