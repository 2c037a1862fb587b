"""A run and its files: what it writes, and that stopping and killing it change not a byte."""

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from builders.loop import start
from builders.training import config
from PIL import Image

from gfmn.common.errors import InputError, Stopped
from gfmn.training import loop
from gfmn.training.loop import Run, run_fingerprint
from gfmn.training.trainer import Trainer


def digests(folder: Path) -> dict[str, str]:
    """The run's outputs, not its scratch folder."""
    files = [*sorted((folder / "model").rglob("*.*")), folder / "history/x.tsv"]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)


def test_a_run_writes_generator_config_history_and_grids(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    start(tmp_path, config(log_every=5, grid_every=10), pictures).train()
    rows = (tmp_path / "history/x.tsv").read_text().splitlines()
    assert rows[0] == "step\timages\tlr\tloss"
    assert [row.split("\t")[0] for row in rows[1:]] == ["5", "10", "12"]
    names = sorted(path.name for path in (tmp_path / "model/grids").iterdir())
    assert names == ["step-000010.png", "step-000012.png"]
    assert Image.open(tmp_path / "model/grids/step-000012.png").size == (256, 256)
    assert (tmp_path / "model/generator.safetensors").is_file()
    assert '"run": "x"' in (tmp_path / "model/config.json").read_text()


def test_a_finished_run_goes_on_to_more_steps_and_ends_as_a_longer_one(
    pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"log_every": 5, "grid_every": 5, "ema": 0.9}
    start(tmp_path / "a", config(steps=12, **fields), pictures).train()
    start(tmp_path / "b", config(steps=24, **fields), pictures).train()
    capsys.readouterr()
    longer = start(tmp_path / "a", config(steps=24, **fields), pictures)
    longer.train()
    assert "goes on from a finished run of 12 steps to step 24" in capsys.readouterr().err
    # The shorter run's own last grid is in its folder still, as DVC would have removed it.
    (tmp_path / "a/model/grids/step-000012.png").unlink()
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_a_finished_run_that_is_run_again_takes_no_step_and_writes_the_same_bytes(
    pictures: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = config(log_every=5, grid_every=5, ema=0.9)
    first = start(tmp_path, settings, pictures)
    first.train()
    before, kept = digests(tmp_path), list(first.checkpoints.folder.glob("step-*"))
    shutil.rmtree(tmp_path / "model")
    shutil.rmtree(tmp_path / "history")
    capsys.readouterr()
    monkeypatch.setattr(Trainer, "step", None)
    again = start(tmp_path, settings, pictures)
    again.train()
    assert "train x: was finished before; its files are written again" in capsys.readouterr().err
    assert digests(tmp_path) == before and len(before) == 6
    assert again.seconds == first.seconds > 0
    assert list(first.checkpoints.folder.glob("step-*")) == kept and len(kept) == 1


def interrupt(run: Run, step: int | None, number: signal.Signals = signal.SIGTERM) -> None:
    """Have a signal come while this step is logged."""
    log = run._log

    def logged(done: int) -> float:
        if done == step:
            os.kill(os.getpid(), number)
        return log(done)

    run._log = logged  # type: ignore[method-assign]


def test_the_middle_of_a_longer_run_is_not_the_result_of_a_shorter_one(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    fields = {"log_every": 5, "grid_every": 5}
    longer = start(tmp_path / "a", config(steps=24, **fields), pictures, every=0)
    interrupt(longer, 5)
    with pytest.raises(Stopped):
        longer.train()
    shorter = start(tmp_path / "a", config(steps=5, **fields), pictures)
    assert shorter.found is not None and shorter.found.step == 4
    shorter.train()
    start(tmp_path / "b", config(steps=5, **fields), pictures).train()
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_a_signal_in_the_last_step_is_told_to_whoever_goes_on(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    run = start(tmp_path, config(), pictures)
    interrupt(run, 12)
    assert run.train() == signal.SIGTERM
    assert (tmp_path / "model/config.json").is_file()
    assert start(tmp_path, config(), pictures).train() is None


def test_the_seconds_are_those_of_all_sessions_and_of_no_lost_step(
    pictures: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, step = [0.0], Trainer.step

    def second(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        now[0] += 1

    def run(end: int | None = None) -> Run:
        """With a stop after step `end`, of which a kill loses the checkpoint."""
        now[0] += 1000  # between two sessions
        one = start(tmp_path, config(steps=20, log_every=1), pictures)
        interrupt(one, end)
        with contextlib.suppress(Stopped):
            one.train()
        return one

    monkeypatch.setattr(Trainer, "step", second)
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=float))
    run(6)
    (lost,) = (path for path in run(9).checkpoints.folder.glob("step-*9.saf*"))
    lost.unlink()
    assert run(11).seconds == 11
    assert run().seconds == 20
    assert run().seconds == 20


def test_another_parameter_statistics_or_objective_is_another_run() -> None:
    key = run_fingerprint(config(), "digest", "none")
    assert key == run_fingerprint(config(), "digest", "none")
    others = [
        run_fingerprint(config(lr=2e-3), "digest", "none"),
        run_fingerprint(config(ama={"rate": 1e-3}), "digest", "none"),
        run_fingerprint(config(processes=2), "digest", "none"),
        run_fingerprint(config(), "other", "none"),
        run_fingerprint(config(), "digest", "other"),
    ]
    assert len({key, *others}) == 6
    # At a constant rate the number of steps changes nothing of what came before.
    assert key == run_fingerprint(config(steps=99), "digest", "none")
    falling = [run_fingerprint(config(hold=0.5, steps=n), "", "none") for n in (8, 9)]
    assert falling[0] != falling[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_step_saves_and_the_run_goes_on_to_the_same_bytes(
    number: signal.Signals, pictures: np.ndarray, tmp_path: Path
) -> None:
    settings = config(steps=20, log_every=3, grid_every=4)
    start(tmp_path / "whole", settings, pictures).train()
    run = start(tmp_path / "cut", settings, pictures)
    before = signal.getsignal(number)
    interrupt(run, 6, number)
    with pytest.raises(Stopped, match=f"stopped by {number.name} after step 6 of 20") as stopped:
        run.train()
    assert stopped.value.number == number and signal.getsignal(number) is before
    assert not (tmp_path / "cut/model").exists()
    resumed = start(tmp_path / "cut", settings, pictures)
    assert resumed.found is not None and resumed.found.step == 6
    resumed.train()
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    run = start(tmp_path, config(log_every=2, seed=7), pictures, every=0)
    log = run._log

    def spoil(done: int) -> float:
        if done == 6:
            next(run.trainer.generator.parameters()).data.fill_(float("nan"))
        return log(done)

    run._log = spoil  # type: ignore[method-assign]
    said = r"runs\.x: expected a finite .*, found .* step 6 of seed 7; .*last good"
    with pytest.raises(InputError, match=said):
        run.train()
    kept = run.checkpoints.latest()
    assert kept is not None and kept.step == 5
    assert all(bool(t.isfinite().all()) for t in kept.tensors.values() if t.is_floating_point())
    assert not (tmp_path / "model").exists()


def test_a_missing_grid_is_no_reason_to_end_with_fewer(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    settings = config(grid_every=2)
    run = start(tmp_path, settings, pictures)
    run.config = config(grid_every=2, steps=6)
    run.train()
    next((run.checkpoints.folder / "grids").glob("step-000004.png")).unlink()
    assert start(tmp_path, settings, pictures).found is None


KILLS = """
import os, random, signal, sys, time
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import numpy as np
from test_loop import config, start
folder, kills, whole = Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
pictures = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
settings = config(steps=60, log_every=3, grid_every=7, ema=0.9, hold=0.5)
begun = folder / "begun"
random.seed(kills)
survived = resumed = 0
begin = time.monotonic()
while True:
    doomed = survived < kills or (kills and resumed < 3)
    begun.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:  # nothing was computed before the fork, so no thread is lost in it
        run = start(folder, settings, pictures, every=random.choice([0, 0.03]))
        log = run._log
        def wait_to_be_killed(done):
            if done >= 57:
                time.sleep(3600)
            return log(done)
        if doomed:
            run._log = wait_to_be_killed
        begun.write_text(str(run.found.step if run.found else 0))
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
    """How often a run was killed, how often it went on, and its seconds; `whole`: without kills."""
    folder.mkdir()
    tests = Path(__file__).parent
    words = [str(tests), str(tests.parent), str(folder), str(kills), str(whole)]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "GFMN_COMPILE": "0",
        "PYTHONHASHSEED": str(kills + 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", KILLS, *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    survived, resumed, seconds = done.stdout.split()
    return int(survived), int(resumed), float(seconds)


def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bytes(tmp_path: Path) -> None:
    """In another process than the one that was not killed, too."""
    *never, seconds = in_new_process(tmp_path / "whole", 0)
    assert never == [0, 0]
    survived, resumed, _ = in_new_process(tmp_path / "killed", 12, seconds)
    assert survived >= 12 and resumed >= 3
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")
    assert len(digests(tmp_path / "whole")) == 12
