"""The files that the parts of the check work on, in tiny sizes on the CPU."""

from collections.abc import Iterator

import pytest

from benchmarks.gpu_check.modes import kernels
from benchmarks.gpu_check.parts import in_this_process
from benchmarks.gpu_check.setting import Setting


@pytest.fixture(scope="session")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    """Random weights, photographs and their statistics."""
    out = tmp_path_factory.mktemp("gpu-check")
    setting = Setting(device="cpu", out=str(out), quick=True)
    with kernels("eager"):
        results = in_this_process("inputs", setting, 600)
    assert {result.status for result in results} == {"PASS"}, results
    return setting


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Kernels are not compiled: that takes longer than all tests here."""
    with kernels("eager"):
        yield
