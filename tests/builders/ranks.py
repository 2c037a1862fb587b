"""Several processes of one script, and what each of them found."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gfmn.runtime.distributed import launch


def run_ranks(size: int, script: str, folder: Path) -> list[dict[str, Any]]:
    """Launch a script with a folder as its argument, where rank r leaves `<r>.pt`; all of them."""
    tests = Path(__file__).resolve().parents[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", f"{tests.parent}:{tests}")
        assert launch(size, script, str(folder)) == 0
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(size)]
