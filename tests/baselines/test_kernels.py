"""The maximum mean discrepancy against closed forms and plain loops."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gfmn.baselines import kernels


def test_mmd_of_two_gaussians_is_that_of_the_closed_form() -> None:
    # E k(x, y) of x ~ N(m, s^2), y ~ N(n, t^2): w (w^2 + v)^-1/2 exp(-(m - n)^2 / 2 (w^2 + v)),
    # with v = s^2 + t^2 and w the kernel's scale.
    def expected(distance: float, variance: float, scale: float = 0.7) -> float:
        total = scale**2 + variance
        return scale / math.sqrt(total) * math.exp(-(distance**2) / (2 * total))

    exact = expected(0, 2 * 1.0) + expected(0, 2 * 0.25) - 2 * expected(1.0, 1.25)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2000, 1, generator=generator)
    y = 1 + 0.5 * torch.randn(2000, 1, generator=generator)
    kernel = kernels.gaussian([0.7])
    assert float(kernels.squared_mmd(kernel, x, y, unbiased=True)) == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize(
    ("kernel", "of_square"),
    [
        (kernels.gaussian([1.0, 3.0]), lambda d: math.exp(-d / 2) + math.exp(-d / 18)),
        (kernels.rational_quadratic([0.5, 2.0]), lambda d: (1 + d) ** -0.5 + (1 + d / 4) ** -2),
    ],
)
def test_mmd_is_that_of_plain_loops(
    kernel: kernels.Kernel, of_square: Callable[[float], float], unbiased: bool
) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(4, 3), torch.randn(5, 3)

    def mean(a: Tensor, b: Tensor, same: bool) -> float:
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return sum(of_square(float((a[i] - b[j]).square().sum())) for i, j in pairs) / len(pairs)

    exact = mean(x, x, unbiased) + mean(y, y, unbiased) - 2 * mean(x, y, False)
    assert float(kernels.squared_mmd(kernel, x, y, unbiased)) == pytest.approx(exact, rel=1e-4)


def test_mean_of_the_witness_differs_by_the_squared_mmd() -> None:
    torch.manual_seed(0)
    x, y, kernel = torch.randn(6, 2), torch.randn(7, 2) + 1, kernels.gaussian([1.0])
    found = kernels.witness(kernel, x, x, y).mean() - kernels.witness(kernel, y, x, y).mean()
    torch.testing.assert_close(found, kernels.squared_mmd(kernel, x, y))


def test_root_has_a_finite_gradient_where_samples_are_equal() -> None:
    x = torch.ones(3, 2, requires_grad=True)
    kernels.root(kernels.squared_mmd(kernels.gaussian([1.0]), x, torch.ones(3, 2))).backward()
    assert x.grad is not None and bool(x.grad.isfinite().all())
