"""SN-GAN: a critic whose every weight is divided by its largest singular value.

Miyato, Kataoka, Koyama and Yoshida, *Spectral Normalization for Generative Adversarial Networks*,
ICLR 2018, arXiv:1802.05957, section 2, with the convolutional critic of its table 3. As there: one
power iteration at every pass, the hinge loss (eqs. 16 and 17), which has its best figures for
CIFAR-10, minibatches of 64, ADAM with 2e-4, 0.5, 0.999 and one update of the critic for one of the
generator (setting C of its table 1). `loss: logistic` is the paper's first form. With classes a
projection head (Miyato and Koyama, *cGANs with Projection Discriminator*, ICLR 2018,
arXiv:1802.05637).

Deviations: the generator and the latent are the study's. The conditional generator has the class in
its input, not in its batch norms.
"""

from typing import Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig
from gfmn.baselines.losses import hinge, logistic
from gfmn.common.bounds import RATE


@METHODS.register("sn_gan")
class SNGANConfig(BaselineConfig):
    """Parameters of SN-GAN."""

    method: Literal["sn_gan"]
    critic: Literal["dcgan", "sngan", "resnet"] = "sngan"
    loss: Literal["hinge", "logistic"] = "hinge"
    lr: float = Field(2e-4, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return SNGAN(self, setting)


class SNGAN(Method):
    """L_C = E max(0, 1 - C(real)) + E max(0, 1 + C(fake)); L_G = -E C(fake)."""

    def __init__(self, config: SNGANConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(setting.image_size, config.critic_width)
        heads = critics.Heads(projected=setting.classes, spectral=True)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        loss = hinge if self.config.loss == "hinge" else logistic
        return loss(self.critic(*real), self.critic(*fake))

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        found: Tensor = -self.critic(*fake)
        return (found if self.config.loss == "hinge" else F.softplus(found)).mean()
