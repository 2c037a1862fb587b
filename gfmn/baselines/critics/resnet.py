"""The residual critic for CIFAR-10 (Gulrajani et al., NIPS 2017, appendix F; Miyato et al.)."""

from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.baselines.critics.base import CRITICS, Body, Shape, norm, xavier


@CRITICS.register("resnet")
def resnet(shape: Shape) -> Body:
    """Residual blocks of `width` channels: two that halve the size, two that keep it, an average.

    The papers have 128 channels. Above 48 pixels one more halving block for each doubling.
    """
    width, batchnorm = shape.width, shape.batchnorm
    halvings = {32: 2, 48: 2, 64: 3, 128: 4}[shape.image_size]
    blocks: list[nn.Module] = [DownBlock(3, width, batchnorm, first=True)]
    blocks += [DownBlock(width, width, batchnorm) for _ in range(halvings - 1)]
    blocks += [DownBlock(width, width, batchnorm, halve=False) for _ in range(2)]
    blocks.append(Average())
    return Body(blocks, width, xavier)


class DownBlock(nn.Module):
    """B x C x H x W -> B x C' x H/2 x W/2: two 3 x 3 convolutions and a 1 x 1 skip."""

    def __init__(
        self, before: int, after: int, batchnorm: bool, first: bool = False, halve: bool = True
    ) -> None:
        super().__init__()
        self.first, self.halve = first, halve
        self.norm1, self.norm2 = norm(before, batchnorm and not first), norm(after, batchnorm)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        changes = halve or before != after
        self.skip: nn.Module = nn.Conv2d(before, after, 1) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = x if self.first else F.relu(self.norm1(x))  # no ReLU on images
        h = self.conv2(F.relu(self.norm2(self.conv1(h))))
        if self.halve:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        skip: Tensor = self.skip(x)
        return h + skip


class Average(nn.Module):
    """B x C x H x W -> B x C: a ReLU, and the mean over pixels."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).mean((2, 3))
