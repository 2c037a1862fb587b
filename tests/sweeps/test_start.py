"""Jobs on this machine: which GPUs each may see."""

import pytest
import torch

from gfmn.common.errors import InputError
from gfmn.sweeps.start import Limits, gpus


def limits(at_once: int, each: int | None) -> Limits:
    return Limits(60, at_once, 3, None, each, None, {})


@pytest.mark.parametrize(
    ("count", "at_once", "each", "expected"),
    [
        (0, 2, None, ["", ""]),
        (0, 1, 0, [""]),
        (1, 3, None, ["0", "0", "0"]),
        (4, 2, None, ["0", "1"]),
        (4, 2, 2, ["0,1", "2,3"]),
        (4, 3, 2, ["0,1", "2,3", "0,1"]),
        (4, 2, 0, ["", ""]),
    ],
)
def test_gpus_are_divided_among_the_jobs_that_run_at_once(
    monkeypatch: pytest.MonkeyPatch, count: int, at_once: int, each: int | None, expected: list[str]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    assert gpus(limits(at_once, each)) == expected


def test_gpus_that_are_named_are_the_ones_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-8932")
    assert gpus(limits(2, None)) == ["3", "GPU-8932"]
    with pytest.raises(InputError, match="--gpus: expected at most 2 here, found 3"):
        gpus(limits(1, 3))
