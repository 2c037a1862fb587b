"""Compiled kernels where a compiler is present, the same code run eagerly where none is."""

import functools
import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile an elementwise or reducing function of B x F or F tensors, once for every width F.

    No gradient is recorded through it. `GFMN_COMPILE=0` asks for the eager path; both paths give
    the same numbers to rounding.
    """

    @functools.cache  # at the first call: the compiler takes longer to import than PyTorch itself
    def kernel() -> Callable[..., Any]:
        # dynamic: networks have dozens of tap widths, and one kernel serves them all.
        return torch.compile(function, dynamic=True, fullgraph=True)

    @torch.no_grad()
    def call(*tensors: Tensor) -> Any:
        # Detached: else every mixture of inputs with and without gradient is compiled anew.
        plain = [tensor.detach() for tensor in tensors]
        return kernel()(*plain) if compiler_present() else function(*plain)

    return call


@functools.lru_cache(256)
def scalar_tensor(value: float, device: torch.device) -> Tensor:
    """A float32 scalar for a kernel, which would be compiled anew for every other Python float.

    The same tensor at every call; no kernel may change it.
    """
    return torch.tensor(value, dtype=torch.float32, device=device)


@functools.cache
def compiler_present() -> bool:
    """Whether `torch.compile` works here: found out once a process, by compiling a small sum."""
    if os.environ.get("GFMN_COMPILE", "1") == "0":
        return False
    try:
        probe = torch.compile(lambda x: (x + 1).sum(0), dynamic=True)
        return bool(probe(torch.zeros(2, 8)).sum() == 16)
    except Exception as error:  # whatever a missing or broken tool chain raises
        reason = str(error).strip().splitlines()[0]
        warnings.warn(f"no working compiler, running eagerly ({reason})", stacklevel=2)
        return False
