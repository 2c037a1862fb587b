"""The same script with and without the compiler, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor


def eager_and_compiled(probe: str, folder: Path, graphs: int) -> list[tuple[Tensor, Tensor]]:
    """The tensors that a script leaves in its list `found`, run eagerly and compiled.

    Each mode is a process of its own. Checks that at most so many graphs were compiled and that
    nothing fell back; skips where there is no compiler.
    """
    results = []
    for mode in ("0", "1"):
        place = folder / mode
        place.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", probe + REPORT],
            cwd=place,
            env={**os.environ, "GFMN_COMPILE": mode},
            capture_output=True,
            text=True,
            check=True,
        )
        present, count = done.stdout.split()
        results.append(torch.load(place / "found.pt", weights_only=True))
        if mode == "0":
            assert (present, count) == ("False", "0")
        elif present == "False":
            pytest.skip("no compiler on this machine")
        else:
            assert int(count) <= graphs
            assert "fell back" not in done.stderr and "recompile_limit" not in done.stderr
    return list(zip(*results, strict=True))


REPORT = """
import torch._dynamo
from gfmn.common.compiling import compiler_present
graphs = torch._dynamo.utils.counters["stats"].get("unique_graphs", 0)
print(compiler_present(), graphs)
torch.save(list(found), "found.pt")
"""
