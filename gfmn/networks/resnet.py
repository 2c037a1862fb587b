"""ResNet18 for small images: a 3 x 3 stem of stride 1, no max-pooling.

Source: He et al., CVPR 2016, arXiv:1512.03385, table 1; the stem is that of the paper's published
code, and of most work on CIFAR-10.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from gfmn.networks.classifier import Classifier
from gfmn.networks.conv_norm import ConvNorm, ConvNormReLU
from gfmn.networks.registry import register

WIDTHS = (64, 128, 256, 512)  # of each stage of two blocks


class ResNet18(Classifier):
    """A stem, then eight residual blocks of two 3 x 3 convolutions; half the size at each stage.

    The taps are the ReLUs' outputs: `stem`, then `block<stage>_<i>a` after a block's first
    convolution and `block<stage>_<i>b` after its sum; 17 with 557,056 values at 32 pixels.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    image_multiple = 8

    def __init__(self, classes: int | None = None) -> None:
        super().__init__()
        self.stem = ConvNormReLU(nn.Conv2d(3, 64, 3, padding=1, bias=False))
        blocks: dict[str, Block] = {}
        channels = 64
        for stage, width in enumerate(WIDTHS, start=1):
            for i in (1, 2):
                stride = 2 if stage > 1 and i == 1 else 1
                blocks[f"block{stage}_{i}"] = Block(channels, width, stride)
                channels = width
        self.blocks = nn.ModuleDict(blocks)
        self.tap_names = ("stem", *(f"{name}{half}" for name in blocks for half in "ab"))
        self.add_classifier(channels, classes)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        x = self.stem(x)
        yield x
        for block in self.blocks.values():
            assert isinstance(block, Block)
            h = block.first(x)
            yield h
            x = block.second(h, residual=block.shortcut(x))
            yield x


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut, which is a 1 x 1 one where the shape changes."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = ConvNormReLU(nn.Conv2d(channels, width, 3, stride, padding=1, bias=False))
        self.second = ConvNormReLU(nn.Conv2d(width, width, 3, padding=1, bias=False))
        changes = stride != 1 or channels != width
        self.shortcut: nn.Module = (
            ConvNorm(nn.Conv2d(channels, width, 1, stride, bias=False))
            if changes
            else nn.Identity()
        )


register("resnet18", ResNet18)
