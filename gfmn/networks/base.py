"""What every frozen network shares: images in the unit range in, ordered taps out."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gfmn.networks.frozen import conv_relu


class TappedNetwork(nn.Module):
    """A network whose forward returns its activations, the taps, in forward order.

    `mean` and `std` are per channel, of the unit range; `dense` says that every convolution is
    dense, so that bf16 pays; `image_multiple` is what height and width must be a multiple of.
    """

    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]
    dense: ClassVar[bool]
    image_multiple: ClassVar[int]
    tap_names: tuple[str, ...]

    def __init__(self) -> None:
        super().__init__()
        # On the CPU even where the weights are built without storage: no file holds these two.
        for name, values in (("_mean", self.mean), ("_std", self.std)):
            constant = torch.tensor(values, device="cpu").view(3, 1, 1)
            self.register_buffer(name, constant, persistent=False)

    @abstractmethod
    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the taps of normalised B x 3 x H x W images, each before the next is computed."""

    def normalise(self, images: Tensor) -> Tensor:
        """Unit range -> this network's input range, in the precision of its weights."""
        normalised = (images - self.get_buffer("_mean")).div_(self.get_buffer("_std"))
        weight = next(self.parameters())
        return normalised.to(weight.dtype, memory_format=torch.channels_last)

    def forward(self, images: Tensor, depth: int | None = None) -> list[Tensor]:
        """The first `depth` taps (all by default), each B x C x H' x W', and no layer after them.

        `images`: B x 3 x H x W in [0, 1]. No later layer changes a tap that is returned.
        """
        return list(islice(self.activations(self.normalise(images)), depth))

    def tap_shapes(self, image_size: int) -> list[tuple[int, int, int]]:
        """C, H', W' of every tap for square images, found without weights or arithmetic."""
        state = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        state = {name: value.detach().to("meta") for name, value in state.items()}
        images = torch.empty(2, 3, image_size, image_size, device="meta")
        with torch.no_grad():
            taps = torch.func.functional_call(self, state, (images,))
        return [(tap.shape[1], tap.shape[2], tap.shape[3]) for tap in taps]

    def fold_batchnorm(self) -> None:
        """Put every batch norm's running statistics into its convolution; the mode becomes eval."""
        self.eval()
        for module in self.modules():
            if isinstance(module, ConvNorm):
                module.fold()


class ConvNorm(nn.Module):
    """A convolution and its batch norm, which `fold` makes one convolution with a bias."""

    conv: nn.Conv2d

    def __init__(self, conv: nn.Conv2d, eps: float = 1e-5) -> None:
        super().__init__()
        self.conv = conv
        self.norm: nn.Module = nn.BatchNorm2d(conv.out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """B x in x H x W -> B x out x H' x W', newly allocated, so free to be changed in place."""
        normed: Tensor = self.norm(self.conv(x))
        return normed

    def relu(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """relu(self(x) + residual), newly allocated; one operation once the norm is folded."""
        if isinstance(self.norm, nn.Identity):
            return conv_relu(self.conv, x, residual)
        y = self(x)
        return F.relu(y if residual is None else y + residual, inplace=True)

    def fold(self) -> None:
        """Equal in eval mode, up to rounding; nothing happens the second time."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()
