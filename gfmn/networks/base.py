"""What every frozen network shares: images in the unit range in, ordered taps out."""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gfmn.networks.conv_relu import conv_relu
from gfmn.networks.small_convolution import convolve

BatchNormMode = Literal["eval", "batch"]


class TappedNetwork(nn.Module):
    """A network whose forward returns its activations, the taps, in forward order.

    `mean` and `std` are per channel, of the unit range; `image_multiple` is what height and width
    must be a multiple of. `resize`: the pixels to which images are brought first, differentiably;
    None: they are taken as they are.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: ClassVar[str] = "bilinear"  # of `resize`
    image_multiple: ClassVar[int] = 1
    chained: ClassVar[bool] = True  # each tap is computed from the one before it
    tap_names: tuple[str, ...]
    resize: int | None = None

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
        """Unit range -> this network's size and input range, in the precision of its weights."""
        if self.resize is not None and images.shape[2:] != (self.resize, self.resize):
            size, mode = (self.resize, self.resize), self.interpolation
            images = F.interpolate(images, size, mode=mode, align_corners=False, antialias=True)
        normalised = (images - self.get_buffer("_mean")).div_(self.get_buffer("_std"))
        return normalised.to(self.input_dtype(), memory_format=torch.channels_last)

    def input_dtype(self) -> torch.dtype:
        """The precision in which the first layer takes images."""
        return next(self.parameters()).dtype

    def stream(self, images: Tensor, depth: int | None = None) -> Iterator[Tensor]:
        """The first `depth` taps (all by default), each B x C x H' x W', as soon as it is there.

        `images`: B x 3 x H x W in [0, 1]. No layer after the last of them is computed, and no
        later layer changes a tap.
        """
        return islice(self.activations(self.normalise(images)), depth)

    def forward(self, images: Tensor, depth: int | None = None) -> list[Tensor]:
        """What `stream` yields, as a list."""
        return list(self.stream(images, depth))

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """B x D features for scores, and B x K logits where there is a classifier.

        `images`: B x 3 x H x W in [0, 1]. Here: the last tap averaged over its places.
        """
        for tap in self.stream(images):
            last = tap
        return last.float().mean((2, 3)), None

    @property
    def resizer(self) -> str:
        """In words, how `normalise` brings images to their size."""
        return f"antialiased {self.interpolation} to {self.resize} px" if self.resize else "none"

    def tap_shapes(self, image_size: int) -> list[tuple[int, int, int]]:
        """C, H', W' of every tap for square images, found without weights or arithmetic."""
        state = {**dict(self.named_parameters()), **dict(self.named_buffers())}
        state = {name: value.detach().to("meta") for name, value in state.items()}
        images = torch.empty(2, 3, image_size, image_size, device="meta")
        with torch.no_grad():
            taps = torch.func.functional_call(self, state, (images,))
        return [(tap.shape[1], tap.shape[2], tap.shape[3]) for tap in taps]

    def freeze(self, batchnorm: BatchNormMode = "eval") -> None:
        """Fix how batch norms work for good; the weights are not to be trained afterwards.

        `eval`: by their running statistics, which are put into the convolutions where that can be
        done. `batch`: by each batch's own statistics, as in the published code; the running ones
        are dropped.
        """
        self.eval()
        for module in self.modules():
            if batchnorm == "eval" and isinstance(module, ConvNorm):
                module.fold()
            elif batchnorm == "batch" and isinstance(module, _BatchNorm):
                # Without them torch's batch norm takes the batch's, whichever mode it is in.
                module.running_mean = module.running_var = module.num_batches_tracked = None
                module.track_running_stats = False

    def to_precision(self, dtype: torch.dtype) -> None:
        """Give the weights this precision; batch norms and normalisation stay in float32."""
        for module in self.modules():
            if not isinstance(module, _BatchNorm):
                for parameter in module.parameters(recurse=False):
                    parameter.data = parameter.data.to(dtype)


class ConvNorm(nn.Module):
    """A convolution and its batch norm, which `fold` makes one convolution with a bias."""

    conv: nn.Conv2d

    def __init__(self, conv: nn.Conv2d, eps: float = 1e-5) -> None:
        super().__init__()
        self.conv = conv
        self.norm: nn.Module = nn.BatchNorm2d(conv.out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """B x in x H x W -> B x out x H' x W', newly allocated, so free to be changed in place."""
        normed: Tensor = self.norm(convolve(self.conv, x))
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
