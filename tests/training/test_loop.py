"""One run: what it writes, and that stopping it changes not a byte."""

import contextlib
import json
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from builders.input_errors import line
from builders.loop import after_step, digests, interrupt, start
from builders.training import config
from PIL import Image
from torch import Tensor, nn

from gfmn import generators
from gfmn.common.errors import InputError, Stopped
from gfmn.training import loop
from gfmn.training.loop import Run
from gfmn.training.trainer import Trainer


def test_run_writes_generator_config_history_and_grids(tmp_path: Path) -> None:
    settings = config(log_every=5, grid_every=10)
    start(tmp_path, settings).train()
    rows = (tmp_path / "history/x.tsv").read_text().splitlines()
    assert rows[0] == "step\timages\tlr\tloss\tgap"
    assert [row.split("\t")[0] for row in rows[1:]] == ["5", "10", "12"]
    names = sorted(path.name for path in (tmp_path / "model/grids").iterdir())
    assert names == ["step-000010.png", "step-000012.png"]
    assert Image.open(tmp_path / "model/grids/step-000012.png").size == (256, 256)
    assert (tmp_path / "model/generator.safetensors").is_file()
    model = json.loads((tmp_path / "model/config.json").read_text())
    assert model["run"] == "x" and model["image_size"] == 32
    assert model["parameters"] == settings.effective()
    generators.load(tmp_path / "model")
    flip_a_bit(tmp_path / "model/generator.safetensors")
    message = line(generators.load, tmp_path / "model")
    assert "generator.safetensors: expected sha256" in message and "config.json" in message


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_snapshots_are_the_results_of_their_steps_and_change_nothing_else(
    ema: float, tmp_path: Path
) -> None:
    run = start(tmp_path / "with", config(log_every=5, snapshots=5, ema=ema))
    results = {}
    after_step(run, lambda done: results.update({done: clone(run.trainer.result)}))
    run.train()
    folder = tmp_path / "with/model"
    names = [f"snapshots/step-{step:06d}.safetensors" for step in (2, 4, 7, 9, 12)]
    assert sorted(str(path.relative_to(folder)) for path in folder.glob("snapshots/*")) == names
    for name, step in zip(names, (2, 4, 7, 9, 12), strict=True):
        generator, _ = generators.load(folder, name)
        torch.testing.assert_close(clone(generator), results[step], rtol=0, atol=0)
        flip_a_bit(folder / name)
        assert "expected sha256" in line(generators.load, folder, name)
        flip_a_bit(folder / name)
    last = folder / "generator.safetensors"
    assert (
        (folder / names[-1]).read_bytes() == last.read_bytes() != (folder / names[0]).read_bytes()
    )
    start(tmp_path / "without", config(log_every=5, ema=ema)).train()
    assert (tmp_path / "without/model/generator.safetensors").read_bytes() == last.read_bytes()
    rows = [(tmp_path / f"{k}/history/x.tsv").read_text().splitlines() for k in ("with", "without")]
    assert set(rows[1]) <= set(rows[0])
    assert [row.split("\t")[0] for row in rows[0][1:]] == ["2", "4", "5", "7", "9", "10", "12"]


def clone(generator: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in generator.state_dict().items()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_stopped_by_a_signal_resumes_to_the_same_bytes(
    number: signal.Signals, tmp_path: Path
) -> None:
    settings = config(steps=20, log_every=3, grid_every=4)
    start(tmp_path / "whole", settings).train()
    run = start(tmp_path / "cut", settings)
    before = signal.getsignal(number)
    interrupt(run, 6, number)
    with pytest.raises(Stopped, match=f"stopped by {number.name} after step 6 of 20") as stopped:
        run.train()
    assert stopped.value.number == number and signal.getsignal(number) is before
    assert not (tmp_path / "cut/model").exists()
    resumed = start(tmp_path / "cut", settings)
    assert resumed.resumed is not None and resumed.resumed.step == 6
    resumed.train()
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_run_returns_a_signal_that_came_in_its_last_step(tmp_path: Path) -> None:
    run = start(tmp_path, config())
    interrupt(run, 12)
    assert run.train() == signal.SIGTERM
    assert (tmp_path / "model/config.json").is_file()
    assert start(tmp_path, config()).train() is None


def test_run_refuses_a_loss_that_is_not_finite_and_keeps_a_checkpoint(tmp_path: Path) -> None:
    run = start(tmp_path, config(log_every=2, seed=7), save_every=0)

    def spoil(done: int) -> None:
        if done == 6:
            next(run.trainer.generator.parameters()).data.fill_(float("nan"))

    after_step(run, spoil)
    message = r"runs\.x: expected a finite .*, found .* step 6 of seed 7; .*last good"
    with pytest.raises(InputError, match=message):
        run.train()
    kept = run.files.checkpoints.latest()
    assert kept is not None and kept.step == 5
    assert all(bool(t.isfinite().all()) for t in kept.tensors.values() if t.is_floating_point())
    assert not (tmp_path / "model").exists()


def test_seconds_are_those_of_all_sessions_and_of_no_lost_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, step = [0.0], Trainer.step

    def second(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        now[0] += 1

    def session(end: int | None = None) -> Run:
        """With a stop after step `end`, of which a kill loses the checkpoint."""
        now[0] += 1000  # between two sessions
        run = start(tmp_path, config(steps=20, log_every=1))
        interrupt(run, end)
        with contextlib.suppress(Stopped):
            run.train()
        return run

    monkeypatch.setattr(Trainer, "step", second)
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=float))
    session(6)
    (lost,) = session(9).files.checkpoints.folder.glob("step-*9.saf*")
    lost.unlink()
    assert session(11).seconds == 11
    assert session().seconds == 20
    assert session().seconds == 20
