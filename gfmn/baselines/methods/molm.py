"""MoLM: means of a network's activations and of its gradient by its weights, learned on line.

Ravuri, Mohamed, Rosca and Vinyals, *Learning Implicit Generative Models with the Method of Learned
Moments*, ICML 2018, arXiv:1806.11006. The moments of an image are those of a moment network f: its
hidden units, the image itself, and the gradient of its output by its weights; the generator
minimizes half of the squared distance of their means. Now and then the network is trained to tell
real images from generated ones, with a penalty that holds the gradient's squared norm at 1, and
then fixed again; the real images' moments are then measured over many minibatches.

Deviations: generator, moment network and latent are the study's, which has other numbers of moments
than the paper's 1,024 or 1,536 channels give. The penalty is on the norm of a minibatch's mean
gradient, not on each image's. How often the network is trained, for how long, and rates are ours.
"""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.baselines import critics
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Factor
from gfmn.baselines.losses import logistic
from gfmn.common.bounds import COUNT, RATE, STEPS


@METHODS.register("molm")
class MoLMConfig(BaselineConfig):
    """Parameters of MoLM."""

    has_classes: ClassVar[bool] = False

    method: Literal["molm"]
    critic: Literal["dcgan", "sngan", "resnet"] = "dcgan"
    phase: int = Field(100, ge=1, le=STEPS)  # generator updates between trainings of the network
    critic_steps: int = Field(50, ge=1, le=1000)  # of such a training
    measured: int = Field(20, ge=1, le=COUNT)  # minibatches that the real moments are the mean of
    penalty: Factor = 1.0
    lr: float = Field(2e-4, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return MoLM(self, setting)


class MoLM(Method):
    """L_G = |m(real) - m(fake)|^2 / 2; L_C = logistic + w (|gradient by the weights|^2 - 1)^2."""

    second_order = True

    def __init__(self, config: MoLMConfig, setting: Setting) -> None:
        super().__init__()
        self.config = config
        shape = critics.Shape(setting.image_size, config.critic_width)
        self.critic: critics.Critic = critics.build(config.critic, shape, critics.Heads())
        size = setting.image_size
        count = len(moments(self.critic, torch.zeros(2, 3, size, size)))
        self.real_moments: Tensor
        self.register_buffer("real_moments", torch.zeros(count))

    def critic_updates(self, step: int, usual: int) -> int:
        """Those of a phase, all at its beginning."""
        return usual if step % self.config.phase == 0 else 0

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """See the class."""
        said = self.critic(real.images), self.critic(fake.images)
        gradient = weight_gradient(self.critic, said[0])
        penalty = (gradient.square().sum() - 1).square()
        return logistic(*said) + self.config.penalty * penalty

    def after_critic_updates(self, draw: Callable[[], Batch]) -> None:
        """Measure the real images' moments anew."""
        self.real_moments.zero_()
        for _ in range(self.config.measured):
            found = moments(self.critic, draw().images).detach()
            self.real_moments.add_(found / self.config.measured)

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        found = moments(self.critic, fake.images)
        return (found - self.real_moments).square().sum() / 2


def moments(network: critics.Critic, images: Tensor) -> Tensor:
    """Means over B images of pixels, hidden units and the output's gradient by the weights."""
    hidden = network.activations(images)
    output = network.outputs(hidden[-1].flatten(1).float())
    means = [h.float().mean(0).flatten() for h in (images, *hidden)]
    return torch.cat([*means, weight_gradient(network, output)])


def weight_gradient(network: nn.Module, output: Tensor) -> Tensor:
    """The gradient of the mean output by all weights, flat, with a graph."""
    weights = list(network.parameters())
    gradients = torch.autograd.grad(output.mean(), weights, create_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients])
