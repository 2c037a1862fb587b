"""Convolutions and their inputs in both precisions."""

import pytest
import torch
from torch import Tensor, nn

from gfmn.networks.conv_relu import _packs

FP32, BF16 = torch.float32, torch.bfloat16


LAST = torch.channels_last


packs = pytest.mark.skipif(
    not _packs(torch.device("cpu")), reason="no packed convolutions in bf16 here"
)


def convolution(
    channels: int, out: int, dtype: torch.dtype, seed: int = 0, kernel: int = 3, stride: int = 1
) -> nn.Conv2d:
    torch.manual_seed(seed)
    made = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2)
    nn.init.kaiming_normal_(made.weight)
    nn.init.normal_(made.bias, 0, 0.5)
    return made.requires_grad_(False).to(dtype=dtype, memory_format=LAST)


def inputs(*shape: int, dtype: torch.dtype = FP32, seed: int = 1) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values.to(dtype).to(memory_format=LAST).requires_grad_()
