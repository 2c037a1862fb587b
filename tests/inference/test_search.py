"""`gfmn search`: its trials, its rows, and that one that was stopped resumes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from builders.commands import gfmn, refused
from builders.project import write_parameters
from builders.sweeps import study

from gfmn.inference import search

ROWS = [(lr, rate) for lr in (5e-4, 1e-3) for rate in (0.1, 0.2)]
WORDS = ("lr=5e-4,1e-3", "ama.rate=0.1,0.2", "--steps", 7)
RANGES = ("lr=1e-4..1e-2", "batch=8..16", "--sampler", "tpe", "--trials", 4)


class Trainings:
    """In place of a training and its scores; one is stopped."""

    def __init__(self) -> None:
        self.tried: list[tuple[float, float, int]] = []
        self.stop_at: int | None = None

    def train(self, config: Any, sampling: Any) -> tuple[Any, float, float]:
        if len(self.tried) == self.stop_at:
            self.stop_at = None
            raise KeyboardInterrupt
        self.tried.append((config.lr, config.ama.rate, config.steps))
        return np.full((64, 8, 8, 3), config.lr), 0.5, 100.0

    def scores(self, images: Any, *_: Any) -> tuple[float | None, None]:
        lr = float(images[0, 0, 0, 0])
        return (lr * 1e5 if lr < 9e-4 else None), None


@pytest.fixture
def trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trainings:
    monkeypatch.chdir(tmp_path)
    write_parameters(tmp_path, study())
    (tmp_path / "data/stats").mkdir(parents=True)
    (tmp_path / "data/stats/digits-encoder-eval.safetensors").write_text("statistics")
    made = Trainings()
    real = SimpleNamespace(mean=torch.zeros(2))
    monkeypatch.setattr(search, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(search, "_evaluation", lambda *_: (None, real))
    monkeypatch.setattr(search, "_train", made.train)
    monkeypatch.setattr(search, "_scores", made.scores)
    return made


def found(capsys: pytest.CaptureFixture[str], *words: Any) -> list[dict[str, Any]]:
    gfmn("search", "a", *words, "--json")
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def stopped(*words: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        gfmn("search", "a", *words, "--json")
    assert ended.value.code == 130


def test_grid_tries_every_combination_in_order_and_prints_a_row_of_each(
    trainings: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    gfmn("search", "a", *WORDS)
    assert trainings.tried == [(*row, 7) for row in ROWS]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == ["lr", "ama.rate", "steps", "fd", "score", "loss", "steps/s"]
    assert lines[1] == "0.0005\t0.1\t7\t50\t\t0.5\t100.00"
    assert lines[-1] == "4 trainings"


@pytest.mark.parametrize("words", [WORDS, RANGES])
def test_stopped_search_resumes_with_the_trials_of_one_that_was_not(
    trainings: Trainings, capsys: pytest.CaptureFixture[str], words: tuple[Any, ...]
) -> None:
    whole, tried = found(capsys, *words), trainings.tried
    for file in Path("data/searches").iterdir():
        file.unlink()
    trainings.tried, trainings.stop_at = [], 2
    stopped(*words)
    assert trainings.tried == tried[:2]
    assert found(capsys, *words) == whole and trainings.tried == tried
    assert found(capsys, *words) == whole and trainings.tried == tried  # nothing left to train


def test_random_values_lie_in_their_ranges_and_differ(
    trainings: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("lr=1e-4..1e-2", "--sampler", "random", "--trials")
    rows = found(capsys, "batch=8..16", *words, 20)
    assert all(1e-4 <= row["lr"] <= 1e-2 and row["batch"] in range(8, 17) for row in rows)
    assert len({row["lr"] for row in rows}) == 20
    assert min(row["lr"] for row in rows) < 5e-4 < max(row["lr"] for row in rows)  # of logarithms
    (other,) = found(capsys, "batch=8..16", *words, 1, "--seed", 1)
    assert other["lr"] not in {row["lr"] for row in rows}


def test_another_parameter_is_another_search(
    trainings: Trainings, capsys: pytest.CaptureFixture[str]
) -> None:
    found(capsys, "lr=1e-3", "--steps", 7)
    found(capsys, "lr=1e-3", "--steps", 8)
    Path("data/stats/digits-encoder-eval.safetensors").write_text("others")
    found(capsys, "lr=1e-3", "--steps", 8)
    assert [steps for *_, steps in trainings.tried] == [7, 8, 8]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lr=1e-3,-1",), "params.yaml: runs.a.lr: "),
        (("lr=1e-3..1e-2",), "lr: expected values for a grid, found a range; --sampler random or"),
        (("lr=1..-1", "--sampler", "tpe", "--trials", 1), "lr: expected a range as 1e-4..1e-2, f"),
        (("lr=-1..1", "--sampler", "tpe", "--trials", 1), "params.yaml: runs.a.lr: "),
        (("lr=1e-4..1e-2", "--sampler", "tpe"), "--trials: expected a number of trials"),
    ],
)
def test_what_cannot_be_tried_ends_before_anything_is_trained(
    trainings: Trainings, words: tuple[Any, ...], message: str
) -> None:
    assert message in refused("search", "a", *words)
    assert not trainings.tried and not Path("data/searches").exists()
