"""VGG's convolutions, without its classifier.

Source: Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556, table 1.
"""

from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.networks.base import TappedNetwork

CHANNELS = (64, 128, 256, 512, 512)  # of each stage


class VGG(TappedNetwork):
    """3 x 3 convolutions with ReLU in stages of `convolutions`, max-pooling between the stages.

    The taps are the ReLUs' outputs, named after their convolutions: `conv1_1`, `conv1_2`, ...
    """

    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)
    dense = True
    image_multiple = 16

    def __init__(self, convolutions: Sequence[int]) -> None:
        super().__init__()
        channels = 3
        for stage, (count, width) in enumerate(zip(convolutions, CHANNELS, strict=True), start=1):
            for i in range(1, count + 1):
                self.add_module(f"conv{stage}_{i}", nn.Conv2d(channels, width, 3, padding=1))
                channels = width
        self.tap_names = tuple(name for name, _ in self.named_children())

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        for name, convolution in self.named_children():
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(convolution(x), inplace=True)
            yield x
