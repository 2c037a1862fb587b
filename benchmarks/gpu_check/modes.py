"""Settings of torch and of the project that a part turns on and off again."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gfmn.common.compiling import compiler_present


@contextmanager
def tf32(on: bool) -> Iterator[None]:
    """TF32 in float32 convolutions as said, in products of matrices off."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32
    cudnn.allow_tf32, matmul.allow_tf32 = on, False
    try:
        yield
    finally:
        cudnn.allow_tf32, matmul.allow_tf32 = before


@contextmanager
def deterministic() -> Iterator[None]:
    """Kernels that give the same bits every time, where torch has such."""
    before = torch.backends.cudnn.deterministic
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.deterministic = before


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@contextmanager
def kernels(mode: str) -> Iterator[None]:
    """The project's kernels `compiled`, or run `eager`."""
    with variable("GFMN_COMPILE", "1" if mode == "compiled" else "0"):
        compiler_present.cache_clear()
        yield
    compiler_present.cache_clear()
