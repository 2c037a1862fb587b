"""The residual generator (section 5.1), in the style of WGAN-GP's."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.generators.registry import GENERATORS


@GENERATORS.register("resnet")
class ResNet(nn.Module):
    """z (B x latent) -> images (B x 3 x S x S) in [-1, 1].

    A 4 x 4 transposed convolution (6 x 6 for 48 pixels), then one up-sampling residual block for
    each doubling, whose channels halve down to `width`; Xavier-uniform convolution weights.
    """

    width = 64

    def __init__(self, image_size: int = 32, latent: int = 100) -> None:
        super().__init__()
        doublings = {32: 3, 48: 3, 64: 4, 128: 5}
        if image_size not in doublings:
            raise ValueError(f"image_size: expected one of {list(doublings)}, found {image_size}")
        count = doublings[image_size]
        widths = [self.width << i for i in range(count, -1, -1)]
        self.stem = nn.ConvTranspose2d(latent, widths[0], image_size >> count, 1, 0, bias=False)
        pairs = itertools.pairwise(widths)
        self.blocks = nn.Sequential(*(UpBlock(before, after) for before, after in pairs))
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_rgb = nn.Conv2d(widths[-1], 3, 3, padding=1)
        self.apply(_initialize)

    def forward(self, z: Tensor) -> Tensor:
        h = self.blocks(self.stem(z[:, :, None, None]))
        images: Tensor = self.to_rgb(F.relu(self.norm(h)))
        return torch.tanh(images.float())  # float32 also where the convolutions run in bf16


@GENERATORS.register("resnet_slim")
class SlimResNet(ResNet):
    """The residual generator with half of its channels, ours: a quarter of its work.

    The last layers double by nearest neighbors and a convolution, so that no checkerboard comes
    from the overlaps of a transposed one, as in `dcgan`.
    """

    width = 32


class UpBlock(nn.Module):
    """B x C x H x W -> B x C' x 2H x 2W: two 3 x 3 convolutions beside a 1 x 1 skip."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, padding=1)
        self.skip = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.conv1(_double(F.relu(self.norm1(x))))
        h = self.conv2(F.relu(self.norm2(h)))
        return h + _double(self.skip(x))


def _double(x: Tensor) -> Tensor:
    doubled: Tensor = F.interpolate(x, scale_factor=2, mode="nearest")
    return doubled


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
