"""What every frozen network shares: images in the unit range in, ordered taps out."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from gfmn.common.errors import InputError
from gfmn.networks.conv_norm import ConvNorm
from gfmn.networks.conv_relu import ConvReLU

BatchNormMode = Literal["eval", "batch"]


class TappedNetwork(nn.Module):
    """A network whose forward returns its activations, the taps, in forward order.

    `mean` and `std` are per channel, of the unit range; `image_multiple` is what height and width
    must be a multiple of. `resize`: the pixels to which images are brought first, differentiably;
    None: they are taken as they are.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bilinear"  # of `resize`
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

    def renormalize(
        self, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
    ) -> None:
        """Take other means and deviations than the architecture's; each None: as they are.

        Raises `InputError` for others than three finite numbers, and for a deviation not above 0.
        """
        for name, values in (("mean", mean), ("std", std)):
            if values is None:
                continue
            numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v)]
            if len(numbers) != 3 or len(values) != 3 or (name == "std" and min(numbers) <= 0):
                expected = "three finite numbers" + (" above 0" if name == "std" else "")
                raise InputError(f"{name}: expected {expected}, found {list(values)}")
            setattr(self, name, tuple(map(float, numbers)))
            constant = torch.tensor(getattr(self, name), device="cpu").view(3, 1, 1)
            self.register_buffer(f"_{name}", constant, persistent=False)

    @abstractmethod
    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the taps of normalized B x 3 x H x W images, each before the next is computed."""

    def normalize(self, images: Tensor) -> Tensor:
        """Unit range -> this network's size and input range, in the precision of its weights."""
        if self.resize is not None and images.shape[2:] != (self.resize, self.resize):
            size, mode = (self.resize, self.resize), self.interpolation
            images = F.interpolate(images, size, mode=mode, align_corners=False, antialias=True)
        normalized = (images - self.get_buffer("_mean")).div_(self.get_buffer("_std"))
        return normalized.to(self.input_dtype(), memory_format=torch.channels_last)

    def input_dtype(self) -> torch.dtype:
        """The precision in which the first layer takes images."""
        return next(self.parameters()).dtype

    def stream(self, images: Tensor, depth: int | None = None) -> Iterator[Tensor]:
        """The first `depth` taps (all by default), each B x C x H' x W', as soon as it is computed.

        `images`: B x 3 x H x W in [0, 1]. No layer after the last of them is computed, and no
        later layer changes a tap.
        """
        return islice(self.activations(self.normalize(images)), depth)

    def forward(self, images: Tensor, depth: int | None = None) -> list[Tensor]:
        """What `stream` yields, as a list."""
        return list(self.stream(images, depth))

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """B x D features for scores, and B x K logits where there is a classifier.

        `images`: B x 3 x H x W in [0, 1]. Here: the last tap averaged over its pixels.
        """
        for tap in self.stream(images):
            last = tap
        return last.float().mean((2, 3)), None

    @property
    def resizer(self) -> str:
        """In words, how `normalize` brings images to their size."""
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
        """Fix the weights and how batch norms work for good: afterwards no value may change.

        `eval`: batch norms use their running statistics, which are folded into the convolutions
        where that can be done. `batch`: they use each batch's own statistics, as in the published
        code; the running ones are dropped.
        """
        self.eval().requires_grad_(False)
        for module in self.modules():
            if batchnorm == "eval" and isinstance(module, ConvNorm):
                module.fold()
            elif batchnorm == "batch" and isinstance(module, _BatchNorm):
                # Without them torch's batch norm takes the batch's, whichever mode it is in.
                module.running_mean = module.running_var = module.num_batches_tracked = None
                module.track_running_stats = False
        for module in self.modules():
            if isinstance(module, ConvReLU):
                module.freeze()

    def to_precision(self, dtype: torch.dtype) -> None:
        """Give the weights this precision; batch norms and normalization stay in float32."""
        for module in self.modules():
            if not isinstance(module, _BatchNorm):
                for parameter in module.parameters(recurse=False):
                    parameter.data = parameter.data.to(dtype)
