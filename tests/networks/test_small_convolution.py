"""Convolutions of small images."""

import pytest
import torch

from gfmn.networks.small_convolution import convolve


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [2, 4])
def test_convolve_equals_torch_with_gradients(size: int, bias: bool) -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(5, 7, 3, padding=1, bias=bias)
    x = torch.randn(3, 5, size, size, requires_grad=True)
    results = []
    for function in (convolution, lambda x: convolve(convolution, x)):
        y = function(x)
        weights = [x, *convolution.parameters()]
        results.append([y, *torch.autograd.grad(y.square().sum(), weights)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
