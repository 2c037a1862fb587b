"""GAN-DFM: features of samples are moved to where a denoiser of real features puts them.

Warde-Farley and Bengio, *Improving Generative Adversarial Networks with Denoising Feature
Matching*, ICLR 2017: a denoising autoencoder r of the discriminator's last features of real images
is trained along with it; the generator minimizes |f - r(f)|^2 of its samples' features f in
addition to the GAN's loss, with r(f) as a fixed target: f - r(f) is about -sigma^2 times the score
of the real features' density. Weights 1 of the GAN's loss and 0.03 of the mean squared difference.

Deviations: generator, critic and latent are the study's; the denoiser has two hidden layers, not
ten; the corruption is normal noise of `corruption` standard deviations of the minibatch's features,
not annealed; its gradient is not passed to the discriminator. ADAM is as in DCGAN: 2e-4, 0.5,
0.999.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor
from gfmn.baselines.losses import logistic
from gfmn.common.bounds import RATE


@METHODS.register("gan_dfm")
class GANDFMConfig(BaselineConfig):
    """Parameters of GAN-DFM."""

    method: Literal["gan_dfm"]
    critic: Literal["dcgan", "sngan", "resnet"] = "dcgan"
    denoising: Factor = 0.03  # weight of the denoised features' distance
    adversarial: Factor = 1.0  # weight of the GAN's loss
    corruption: Factor = 0.5  # standard deviations of the features
    denoiser_width: int = Field(1024, ge=1, le=2**14)
    lr: float = Field(2e-4, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return GANDFM(self, setting)


class GANDFM(Method):
    """L_C = logistic + E |r(f + noise) - f|^2 on real f; L_G = -log D + w E |f - r(f)|^2."""

    def __init__(self, config: GANDFMConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(setting.image_size, config.critic_width, batchnorm=True)
        heads = critics.Heads(projected=setting.classes)
        self.critic: critics.Critic = critics.build(config.critic, shape, heads)
        features, width = self.critic.width, config.denoiser_width
        self.denoiser = nn.Sequential(
            nn.Linear(features, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, features),
        )

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        features = self.critic.features(real.images)
        said = self.critic.outputs(features, real.labels), self.critic(*fake)
        clean = features.detach()
        scale = self.config.corruption * clean.std(0)
        restored = self.denoiser(clean + scale * torch.randn_like(clean)).float()
        return logistic(*said) + F.mse_loss(restored, clean)

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        features = self.critic.features(fake.images)
        said = self.critic.outputs(features, fake.labels)
        distance = denoised_distance(self.denoiser, features)
        loss = self.config.adversarial * F.softplus(-said).mean()
        return loss + self.config.denoising * distance


def denoised_distance(denoiser: nn.Module, features: Tensor) -> Tensor:
    """The mean of (f - r(f))^2 with r(f) held fixed: its gradient is 2 (f - r(f)) / (B D)."""
    with torch.no_grad():
        target = denoiser(features).float()
    return F.mse_loss(features, target)
