"""VGG's convolutions, and a linear classifier where it was trained here.

Source: Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556, table 1; with batch norm as in the
paper's section 5.1.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.networks.classifier import Classifier
from gfmn.networks.conv_norm import ConvNormReLU
from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.registry import register

# Convolutions of each stage.
DEPTHS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
CHANNELS = (64, 128, 256, 512, 512)  # of each stage


class VGG(Classifier):
    """3 x 3 convolutions with ReLU in stages of `convolutions`, max-pooling between the stages.

    The taps are the ReLUs' outputs, named after their convolutions: `conv1_1`, `conv1_2`, ...;
    VGG19's 16 have 303,104 values at 32 pixels.
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    image_multiple = 16

    def __init__(
        self, convolutions: Sequence[int], batchnorm: bool = False, classes: int | None = None
    ) -> None:
        super().__init__()
        channels = 3
        for stage, (count, width) in enumerate(zip(convolutions, CHANNELS, strict=True), start=1):
            for i in range(1, count + 1):
                layer: nn.Module
                if batchnorm:
                    layer = ConvNormReLU(nn.Conv2d(channels, width, 3, padding=1))
                else:
                    layer = ConvReLU(channels, width, 3, padding=1)
                self.add_module(f"conv{stage}_{i}", layer)
                channels = width
        self.tap_names = tuple(name for name, _ in self.named_children())
        self.add_classifier(channels, classes)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        for name in self.tap_names:
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = self.get_submodule(name)(x)
            yield x


for _name, _depths in DEPTHS.items():
    register(_name, partial(VGG, _depths))
    register(f"{_name}_bn", partial(VGG, _depths, batchnorm=True))
