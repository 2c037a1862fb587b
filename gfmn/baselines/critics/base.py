"""What every critic shares: blocks, features, and what is computed of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gfmn.common.registry import Registry


@dataclass(frozen=True)
class Heads:
    """What a critic computes of its features, and whether its weights are normalized."""

    outputs: int = 1  # numbers an image
    classes: int = 0  # logits of an auxiliary classifier (Odena et al., ICML 2017); 0: none
    projected: int = 0  # classes of a projection head (Miyato and Koyama, ICLR 2018); 0: none
    spectral: bool = False  # every weight divided by its largest singular value


@dataclass(frozen=True)
class Shape:
    """What the blocks of a critic are made by; each kind takes of it what it needs."""

    image_size: int  # pixels
    width: int  # channels of the first layer
    batchnorm: bool = False
    extractor: Path | None = None  # a file of one network
    pretrained: bool = True  # with the weights in that file; else with random ones


@dataclass(frozen=True)
class Body:
    """The blocks of a critic, and how many numbers the last one's output is."""

    blocks: Sequence[nn.Module]
    features: int
    initialize: Callable[[nn.Module], None]


class Critic(nn.Module):
    """B x 3 x S x S images in [-1, 1] -> B x outputs, float32.

    With a projection head the inner product of features and the label's vector is added.
    """

    def __init__(self, body: Body, heads: Heads) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*body.blocks)
        self.width = body.features
        self.head = nn.Linear(body.features, heads.outputs)
        self.classifier = nn.Linear(body.features, heads.classes) if heads.classes else None
        self.projection = nn.Embedding(heads.projected, body.features) if heads.projected else None
        self.apply(body.initialize)
        if heads.spectral:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
                    spectral_norm(module)

    def activations(self, images: Tensor) -> list[Tensor]:
        """The output of every block, B x ... each; the last one's are the features."""
        found, x = [], images
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def features(self, images: Tensor) -> Tensor:
        """B x D, float32."""
        features: Tensor = self.blocks(images).flatten(1).float()
        return features

    def outputs(self, features: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the head says of B x D features."""
        found: Tensor = self.head(features).float()
        if self.projection is not None and labels is not None:
            found = found + (self.projection(labels).float() * features).sum(1, keepdim=True)
        return found

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """See the class."""
        return self.outputs(self.features(images), labels)


def normal(module: nn.Module) -> None:
    """Weights N(0, 0.02), batch-norm scales N(1, 0.02), biases 0 (Radford et al., ICLR 2016)."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def xavier(module: nn.Module) -> None:
    """Weights by fan-in and fan-out (Glorot and Bengio, AISTATS 2010), biases 0."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.Embedding):
        nn.init.xavier_uniform_(module.weight)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def norm(channels: int, batchnorm: bool) -> nn.Module:
    """A batch norm, or nothing."""
    return nn.BatchNorm2d(channels) if batchnorm else nn.Identity()


CRITICS = Registry[Callable[[Shape], Body]]()


def build(name: str, shape: Shape, heads: Heads) -> Critic:
    """A fresh critic on the CPU, channels-last; its weights come from torch's global seed."""
    critic = Critic(CRITICS[name](shape), heads)
    return critic.to(memory_format=torch.channels_last)
