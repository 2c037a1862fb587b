"""EfficientNet-Lite, an ImageNet classifier without squeeze-and-excitation.

Sources: Tan and Le, ICML 2019, arXiv:1905.11946, table 1; of the Lite variants, the TensorFlow
team's description: ReLU6, no squeeze-and-excitation, stem, head, first and last stage unscaled.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.networks.classifier import Classifier
from gfmn.networks.conv_norm import ConvNorm
from gfmn.networks.registry import register

# Blocks, kernel size, stride of the first block, expansion, channels out: before scaling.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000
NORM_EPS = 1e-3


class EfficientNetLite(Classifier):
    """Stem, inverted-residual blocks, head and classifier, scaled by `width` and `depth`.

    Taps: the stem; of each block `blockNN_expand` (absent where the expansion is 1) and
    `blockNN_depthwise`, ReLU6 outputs both, and `blockNN_output`, which is linear and has the skip
    connection added; the head.
    """

    mean = (127 / 255,) * 3
    std = (128 / 255,) * 3

    def __init__(self, width: float, depth: float) -> None:
        super().__init__()
        self.stem = unit(3, STEM, kernel=3, stride=2)
        channels, blocks = STEM, []
        for i, (count, kernel, stride, expansion, out) in enumerate(STAGES):
            scaled = count if i in (0, len(STAGES) - 1) else math.ceil(count * depth)
            out = round_channels(out * width)
            for j in range(scaled):
                blocks.append(Block(channels, out, kernel, stride if j == 0 else 1, expansion))
                channels = out
        self.names = [f"block{i:02d}" for i in range(1, len(blocks) + 1)]
        for name, block in zip(self.names, blocks, strict=True):
            self.add_module(name, block)
        self.head = unit(channels, HEAD, kernel=1)
        self.add_classifier(HEAD, CLASSES)
        inner = [f"{n}_{t}" for n, b in zip(self.names, blocks, strict=True) for t in b.tap_names]
        self.tap_names = ("stem", *inner, "head")

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        x = F.relu6(self.stem(x), inplace=True)
        yield x
        for name in self.names:
            for tap in cast(Block, self.get_submodule(name)).activations(x):
                yield tap
            x = tap
        yield F.relu6(self.head(x), inplace=True)


class Block(nn.Module):
    """An inverted residual: expand, depthwise, project, with a skip connection where shapes agree.

    `activations` yields the outputs named in `tap_names`.
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.expand = unit(channels, inner, kernel=1) if expansion > 1 else None
        self.depthwise = unit(inner, inner, kernel, stride, groups=inner)
        self.project = unit(inner, out, kernel=1)
        self.skip = stride == 1 and channels == out
        self.tap_names: tuple[str, ...] = ("depthwise", "output")
        if self.expand is not None:
            self.tap_names = ("expand", *self.tap_names)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the block's taps; the last is what the next block reads."""
        inner = x
        if self.expand is not None:
            inner = F.relu6(self.expand(inner), inplace=True)
            yield inner
        inner = F.relu6(self.depthwise(inner), inplace=True)
        yield inner
        output = self.project(inner)
        yield output.add_(x) if self.skip else output


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's SAME padding: at stride 2 it depends on the input's size.

    The output has ceil(size / stride) pixels; an odd amount of padding puts the extra one last.
    """

    def forward(self, x: Tensor) -> Tensor:
        """B x in x H x W -> B x out x ceil(H / stride) x ceil(W / stride)."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        vertical, horizontal = (
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0) for size in x.shape[2:]
        )
        if vertical % 2 or horizontal % 2:
            before, above = horizontal // 2, vertical // 2
            x = F.pad(x, (before, horizontal - before, above, vertical - above))
            vertical = horizontal = 0
        padding = (vertical // 2, horizontal // 2)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


def unit(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> ConvNorm:
    """A SAME convolution without bias, and its batch norm."""
    conv = SameConv2d(channels, out, kernel, stride, groups=groups, bias=False)
    return ConvNorm(conv, eps=NORM_EPS)


def round_channels(channels: float, multiple: int = 8) -> int:
    """The nearest multiple of 8, or the next one up if that would lose more than a tenth."""
    rounded = max(multiple, int(channels + multiple / 2) // multiple * multiple)
    return rounded if rounded >= 0.9 * channels else rounded + multiple


register("efficientnet_lite0", partial(EfficientNetLite, width=1.0, depth=1.0))
register("efficientnet_lite2", partial(EfficientNetLite, width=1.1, depth=1.2))
