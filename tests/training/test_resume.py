"""Which checkpoint a run resumes from, and that killing a run changes not a byte."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders.loop import digests, interrupt, start
from builders.training import config

from gfmn.common.errors import Stopped
from gfmn.training.resume import run_fingerprint
from gfmn.training.trainer import Trainer


def test_fingerprint_is_of_parameters_statistics_decoder() -> None:
    key = run_fingerprint(config(), "digest", "none")
    assert key == run_fingerprint(config(), "digest", "none")
    others = [
        run_fingerprint(config(lr=2e-3), "digest", "none"),
        run_fingerprint(config(ama={"rate": 1e-3}), "digest", "none"),
        run_fingerprint(config(processes=2), "digest", "none"),
        run_fingerprint(config(snapshots=2), "digest", "none"),
        run_fingerprint(config(), "other", "none"),
        run_fingerprint(config(), "digest", "other"),
    ]
    assert len({key, *others}) == 7


def test_fingerprint_ignores_what_changes_no_result() -> None:
    key = run_fingerprint(config(), "digest", "none")
    for changes in ({"log_every": 3}, {"ma": {"rate": 0.5}}, {"moment_matching": {"decay": 0.5}}):
        assert key == run_fingerprint(config(**changes), "digest", "none")
    # At a constant rate the number of steps changes nothing of what came before.
    assert key == run_fingerprint(config(steps=99), "digest", "none")
    # Else the rate or the steps of the snapshots depend on it.
    for fields in ({"lr_hold_fraction": 0.5}, {"snapshots": 2}):
        eight, nine = (run_fingerprint(config(**fields, steps=n), "", "") for n in (8, 9))
        assert eight != nine


def test_finished_run_with_more_steps_ends_as_a_longer_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"log_every": 5, "grid_every": 5, "ema": 0.9}
    start(tmp_path / "a", config(steps=12, **fields)).train()
    start(tmp_path / "b", config(steps=24, **fields)).train()
    capsys.readouterr()
    start(tmp_path / "a", config(steps=24, **fields)).train()
    message = "resuming from step 12, where a shorter run ended, to step 24"
    assert message in capsys.readouterr().err
    # The shorter run's own last grid is in its folder still, as DVC would have removed it.
    (tmp_path / "a/model/grids/step-000012.png").unlink()
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_finished_run_takes_no_step_and_rewrites_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config(log_every=5, grid_every=5, ema=0.9)
    first = start(tmp_path, settings)
    first.train()
    folder = first.files.checkpoints.folder
    before, kept = digests(tmp_path), list(folder.glob("step-*"))
    shutil.rmtree(tmp_path / "model")
    shutil.rmtree(tmp_path / "history")
    capsys.readouterr()
    monkeypatch.setattr(Trainer, "step", None)
    again = start(tmp_path, settings)
    again.train()
    assert "train x: already finished, rewriting outputs" in capsys.readouterr().err
    assert digests(tmp_path) == before and len(before) == 6
    assert again.seconds == first.seconds > 0
    assert list(folder.glob("step-*")) == kept and len(kept) == 1


@pytest.mark.parametrize("stop", [None, 7])
def test_other_log_every_resumes_to_the_bytes_of_an_uninterrupted_run(
    stop: int | None, tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"grid_every": 5, "ema": 0.9}
    run = start(tmp_path / "a", config(log_every=2, **fields))
    interrupt(run, stop)
    if stop:
        with pytest.raises(Stopped):
            run.train()
    else:
        run.train()
    again = start(tmp_path / "a", config(log_every=4, **fields))
    assert again.resumed is not None and again.resumed.step == (stop or 12)
    again.train()
    start(tmp_path / "b", config(log_every=4, **fields)).train()
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_middle_of_a_longer_run_is_not_the_result_of_a_shorter_one(tmp_path: Path) -> None:
    fields = {"log_every": 5, "grid_every": 5}
    longer = start(tmp_path / "a", config(steps=24, **fields), save_every=0)
    interrupt(longer, 5)
    with pytest.raises(Stopped):
        longer.train()
    shorter = start(tmp_path / "a", config(steps=5, **fields))
    assert shorter.resumed is not None and shorter.resumed.step == 4
    shorter.train()
    start(tmp_path / "b", config(steps=5, **fields)).train()
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


@pytest.mark.parametrize("name", ["grids/step-000004.png", "snapshots/step-000003.safetensors"])
def test_checkpoint_without_its_grids_or_snapshots_is_not_used(name: str, tmp_path: Path) -> None:
    settings = config(grid_every=2, steps=6, snapshots=2)
    run = start(tmp_path, settings)
    run.train()
    assert start(tmp_path, settings).resumed is not None
    (run.files.checkpoints.folder / name).unlink()
    assert start(tmp_path, settings).resumed is None


KILLS = """
import os, random, signal, sys, time
from pathlib import Path
from builders.loop import after_step, start
from builders.training import config
folder, kills, whole = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
settings = config(
    steps=60, log_every=3, grid_every=7, ema=0.9, lr_hold_fraction=0.5, snapshots=8
)
begun = folder / "begun"
random.seed(kills)
survived = resumed = 0
begin = time.monotonic()
while True:
    doomed = survived < kills or (kills and resumed < 3)
    begun.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:  # nothing was computed before the fork, so no thread is lost in it
        run = start(folder, settings, save_every=random.choice([0, 0.03]))
        if doomed:  # at the latest near the end
            after_step(run, lambda done: time.sleep(3600) if done >= 57 else None)
        begun.write_text(str(run.resumed.step if run.resumed else 0))
        run.train()
        os._exit(0)
    if not doomed:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        break
    if random.random() < 0.8:  # else it may be killed while it starts
        while not begun.is_file():
            time.sleep(0.001)
    time.sleep(random.uniform(0.0, 0.2) * whole)
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    survived += 1
    resumed += begun.is_file() and begun.read_text() not in ("", "0")
begun.unlink(missing_ok=True)
print(survived, resumed, time.monotonic() - begin)
"""


def in_new_process(folder: Path, kills: int, whole: float = 0.0) -> tuple[int, int, float]:
    """How often a run was killed and resumed, and its seconds; `whole`: those without kills."""
    folder.mkdir()
    tests = Path(__file__).resolve().parents[1]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": str(kills + 1),
        "PYTHONPATH": os.pathsep.join(map(str, (tests.parent, tests))),
    }
    command = [sys.executable, "-c", KILLS, str(folder), str(kills), str(whole)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    survived, resumed, seconds = done.stdout.split()
    return int(survived), int(resumed), float(seconds)


def test_run_killed_again_and_again_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """In another process than the one that was not killed, too."""
    *never, seconds = in_new_process(tmp_path / "whole", 0)
    assert never == [0, 0]
    survived, resumed, _ = in_new_process(tmp_path / "killed", 6, seconds)
    assert survived >= 6 and resumed >= 3
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")
    assert len(digests(tmp_path / "whole")) == 20
