"""One result of a check, and the comparisons that decide it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

PASS, FAIL, SKIP = "PASS", "FAIL", "SKIP"


@dataclass(frozen=True)
class Check:
    """A line of the output: its status, a text, and the numbers behind it for the report."""

    status: str  # PASS, FAIL or SKIP
    text: str
    facts: dict[str, Any] = field(default_factory=dict)  # JSON values


def expect(passed: bool, text: str, **facts: Any) -> Check:
    """PASS or FAIL."""
    return Check(PASS if passed else FAIL, text, facts)


def skip(text: str) -> Check:
    """Something that this machine does not have."""
    return Check(SKIP, text)


def agree(
    what: str, found: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float
) -> Check:
    """PASS where the relative error is at most `tolerance`; see `relative_error`."""
    error, name = relative_error(found, expected)
    text = f"{what}: relative error {error:.1e}, at most {tolerance:.0e}"
    finite = error if math.isfinite(error) else None
    return expect(error <= tolerance, text, error=finite, tolerance=tolerance, largest=name)


def relative_error(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> tuple[float, str]:
    """The largest |found - expected| / |expected| of all tensors, Euclidean norms, and its name.

    Of each tensor alone, so that a wrong small one does not hide behind a large one. Infinite for
    other names or shapes, for NaN, and for anything but 0 where 0 is expected.
    """
    if found.keys() != expected.keys():
        return math.inf, ", ".join(sorted(found.keys() ^ expected.keys()))
    errors = {name: _error(found[name], expected[name]) for name in expected}
    largest = max(errors, key=errors.__getitem__)
    return errors[largest], largest


def _error(found: Tensor, expected: Tensor) -> float:
    if found.shape != expected.shape:
        return math.inf
    found, expected = (tensor.detach().cpu().double() for tensor in (found, expected))
    gap, norm = float((found - expected).norm()), float(expected.norm())
    if gap == 0:
        return 0.0
    return gap / norm if norm and math.isfinite(gap / norm) else math.inf


def same_bits(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    """Whether both have the same names, and of each the same values to the last bit."""
    return first.keys() == second.keys() and all(
        torch.equal(first[name].cpu(), second[name].cpu()) for name in first
    )
