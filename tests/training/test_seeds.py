"""Several seeds in one run: each leaves the files that it would leave alone, whatever happens."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sample
from builders.seeds_study import STEPS, Study, every_step, in_processes, of_seed, stop_in, studies
from builders.training import Taps32

from gfmn.common import paths
from gfmn.common.errors import InputError, Stopped
from gfmn.training import loop, seeds
from gfmn.training import trainer as trainer_module
from gfmn.training.trainer import Trainer


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Study]:
    return studies(tmp_path, monkeypatch)


@pytest.mark.parametrize("objective", ["ama", "moment_matching"])
def test_seed_leaves_the_files_of_a_run_of_it_alone(
    objective: str, study: Callable[[str], Study]
) -> None:
    together = study("both").train([3, 5], objective=objective)
    assert together == study("swapped").train([5, 3], objective=objective)
    alone = {k: study(f"alone{k}").train([k], objective=objective) for k in (3, 5)}
    assert together == {**alone[3], **alone[5]}
    assert of_seed(together, 3).values() != of_seed(together, 5).values()
    about = json.loads(Path("data/models/x/seed-5/config.json").read_text())
    assert about["run"] == "x" and about["parameters"]["seed"] == 5


def test_stage_stopped_in_its_second_seed_resumes_with_it(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    whole, cut = study("whole").train([3, 5]), study("cut")
    with monkeypatch.context() as patch:
        stop_in(patch, 5, 2)
        message = "train x seed 5: stopped by SIGTERM after step 2 of 5; run the same command"
        with pytest.raises(Stopped, match=message):
            cut.train([3, 5])
    assert of_seed(cut.files(), 3) == of_seed(whole, 3)  # whole, though the stage did not end
    capsys.readouterr()
    assert cut.train([3, 5]) == whole
    assert cut.steps == [(5, 2), (5, 3), (5, 4)]
    lines = capsys.readouterr().err
    assert "train x seed 3: already finished, rewriting outputs" in lines
    assert "train x seed 5: resuming from step 2 of 5" in lines


def test_stop_in_a_last_step_ends_the_stage_before_the_next_seed(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = study("cut")
    with monkeypatch.context() as patch:
        stop_in(patch, 3, STEPS)
        message = "stopped by SIGTERM after seed 3; run the same command to resume with seed 5"
        with pytest.raises(Stopped, match=message) as stopped:
            cut.train([3, 5])
    assert stopped.value.number == signal.SIGTERM and cut.steps == every_step(3)
    cut.train([3, 5])
    assert cut.steps == every_step(5)
    with monkeypatch.context() as patch:
        stop_in(patch, 7, STEPS)
        cut.train([7])  # nothing is left to stop


def test_added_seed_is_trained_alone_and_a_dropped_ones_files_go(
    study: Callable[[str], Study],
) -> None:
    growing = study("growing")
    first = growing.train([3])
    assert growing.steps == every_step(3)
    both = growing.train([5, 3])
    assert growing.steps == every_step(5) and of_seed(both, 3) == first
    assert growing.train([3]) == first and growing.steps == []
    (growing.folder / "data/models/x/config.json").write_text("of an older layout")
    assert growing.train([3, 5]) == both and growing.steps == []


def test_other_rate_trains_every_seed_again(study: Callable[[str], Study]) -> None:
    changed = study("changed")
    before = changed.train([3, 5])
    after = changed.train([3, 5], lr=2e-3)
    assert changed.steps == every_step(3, 5)
    assert before.keys() == after.keys() and before != after
    assert changed.train([3, 5]) == before and changed.steps == []


def test_timing_is_of_all_seeds_stopped_or_not(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, step = [0.0], Trainer.step

    def second(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        now[0] += 1

    monkeypatch.setattr(Trainer, "step", second)
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: now[0], monotonic=float))
    timed = study("timed")
    timed.train([3, 5])
    about = {"cpus": os.cpu_count(), "steps_per_second": 1.0, "seeds": 2}
    assert timed.timing() == {**about, "seconds": 2.0 * STEPS, "from_step": 0}
    with monkeypatch.context() as patch:
        stop_in(patch, 4, 2)
        with pytest.raises(Stopped):
            timed.train([5, 4])
    now[0] += 100
    timed.train([5, 4])
    assert timed.timing() == {**about, "seconds": 2.0 * STEPS, "from_step": STEPS}
    timed.train([6])
    assert timed.timing() == {**about, "seconds": 1.0 * STEPS, "seeds": 1, "from_step": 0}


def test_lines_name_the_seed_where_there_are_several(
    study: Callable[[str], Study], capsys: pytest.CaptureFixture[str]
) -> None:
    named = study("named")
    named.train([3])
    assert "train x: 5/5 steps" in capsys.readouterr().err
    named.train([4, 5])
    lines = capsys.readouterr().err
    assert "train x seed 4: 5/5 steps" in lines and "train x seed 5: 5/5 steps" in lines


def test_seed_that_diverges_is_counted_and_the_others_are_as_without_it(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    spoilt, finite = study("spoilt"), Trainer.finite
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "finite", lambda t: t.config.seed != 5 and finite(t))
        found = spoilt.train([3, 5, 4])
        line = "train x seed 5: WARNING: runs.x: expected a finite loss and finite weights, found"
        assert line in capsys.readouterr().err
        assert json.loads(Path("data/models/x/diverged.json").read_text()) == {"5": 2}
        assert spoilt.steps == [*every_step(3), (5, 0), (5, 1), *every_step(4)]
        assert spoilt.timing()["seeds"] == 3
        sample.main("x")  # and so what comes after it
        assert [*paths.sample_files("x")] == [3, 4]
        assert spoilt.train([5, 3, 4]) == found  # the clock decides of no step
    alone = study("alone").train([3, 4])
    lost = {path for path in found if "/seed-5" in path or path.endswith("diverged.json")}
    assert {path: digest for path, digest in found.items() if path not in lost} == alone
    assert spoilt.train([3, 4]) == alone and spoilt.steps == []


def test_run_ends_where_every_seed_diverges_and_says_at_which_steps(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = study("spoilt")
    monkeypatch.setattr(Trainer, "finite", lambda t: False)
    with pytest.raises(InputError, match=r"runs\.x: expected a finite .* at step 2 of seed 3;"):
        spoilt.train([3, 5])
    assert json.loads(Path("data/models/x/diverged.json").read_text()) == {"3": 2, "5": 2}


def test_signal_in_the_step_that_diverges_ends_the_stage(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt, finite = study("spoilt"), Trainer.finite
    monkeypatch.setattr(Trainer, "finite", lambda t: t.config.seed != 3 and finite(t))
    stop_in(monkeypatch, 3, 2)
    with pytest.raises(Stopped, match="stopped by SIGTERM after seed 3"):
        spoilt.train([3, 5])


def test_seed_resumes_in_the_precision_in_which_it_began(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks are measured once for all seeds; near a tie another day may decide otherwise."""
    loads: list[dict[str, str]] = []

    def load(*arguments: Any) -> Taps32:
        network = Taps32()
        network.precision = {"tiny": arguments[5].get("tiny", faster)}
        loads.append(network.precision)
        return network

    monkeypatch.setattr(seeds, "load_extractor", load)
    monkeypatch.setattr(trainer_module, "faster_precision", lambda *arguments: faster)
    faster = "fp32"
    begun = study("begun")
    before = begun.train([3], precision="auto")
    faster = "bf16"
    after = begun.train([4, 3, 5], precision="auto")
    assert of_seed(after, 3) == before and begun.steps == every_step(4, 5)
    assert loads == [{"tiny": "fp32"}, {"tiny": "bf16"}, {"tiny": "fp32"}]
    folder = begun.folder / "data/models/x"
    found = [json.loads((folder / f"seed-{k}/config.json").read_text()) for k in (4, 3, 5)]
    precisions = [{"tiny": p, "generator": p} for p in ("bf16", "fp32", "fp32")]
    assert [about["precision"] for about in found] == precisions


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ([], "seeds: expected at least one seed, and each once, found []"),
        ([3, 5, 3], "seeds: expected at least one seed, and each once, found [3, 5, 3]"),
        ([0, -1], "seeds.1: expected greater than or equal to 0, found -1"),
        ([0.5], "seeds.0: expected a valid integer, found 0.5"),
        (3, "seeds: expected a valid array, found 3"),
    ],
)
def test_stage_refuses_bad_seeds_in_one_line(
    listed: Any, message: str, study: Callable[[str], Study]
) -> None:
    with pytest.raises(InputError) as refused:
        study("refused").train(listed)
    assert str(refused.value).startswith(f"params.yaml: runs.x.{message}")
    assert "\n" not in str(refused.value)


def test_processes_leave_the_same_bytes_in_any_order_of_seeds(
    study: Callable[[str], Study],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    in_processes(monkeypatch)
    shared = study("shared")
    together = shared.train([3, 5], processes=2)
    (scratch,) = (shared.folder / "data/scratch").glob("x-seed-5-*")
    shutil.rmtree(scratch)
    assert shared.train([5, 3], processes=2) == together
    lines = capfd.readouterr().err
    assert lines.count("already finished") == lines.count("train x seed 3: already finished") == 1
