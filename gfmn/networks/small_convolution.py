"""A convolution that is being trained, for small images on a CPU.

oneDNN's weight gradients of images of a few pixels take several times the arithmetic's time;
as one matrix product they do not.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALL = 16  # pixels up to which the product is the faster way


def convolve(convolution: nn.Conv2d, x: Tensor) -> Tensor:
    """`convolution(x)`: B x C x H x W -> B x C' x H' x W', the same up to rounding."""
    pixels = x.shape[2] * x.shape[3]
    if x.device.type != "cpu" or pixels > SMALL or not convolution.weight.requires_grad:
        return convolution(x)  # type: ignore[no-any-return]
    same = convolution.stride == convolution.padding == convolution.dilation == (1, 1)
    if convolution.kernel_size != (3, 3) or convolution.groups != 1 or not same:
        return convolution(x)  # type: ignore[no-any-return]
    height, width = x.shape[2:]
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    patches = [padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)]
    matrix = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)  # 9 C x C'
    y = torch.cat(patches, -1) @ matrix
    if convolution.bias is not None:
        y = y + convolution.bias
    return y.permute(0, 3, 1, 2)
