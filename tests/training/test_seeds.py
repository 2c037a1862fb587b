"""Several seeds in one run: each leaves the files that it would leave alone, whatever happens.

Run as a script, this is one of several processes that share a training.
"""

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sample
import train
from builders.training import Taps32, real
from PIL import Image
from ruamel.yaml import YAML

from gfmn import generators
from gfmn.common import stage
from gfmn.common.errors import InputError, Stopped
from gfmn.common.images import grid
from gfmn.features import statistics
from gfmn.generators.sampling import SampleConfig
from gfmn.generators.sampling import sample as draw
from gfmn.training import loop
from gfmn.training.config import Method, SeedsConfig, TrainingConfig
from gfmn.training.trainer import Trainer

STEPS = 5
ROW: dict[str, Any] = {
    **{"dataset": "d", "extractor": "e", "steps": STEPS, "batch": 8, "latent": 8, "lr": 1e-3},
    **{"precision": "fp32", "log_every": 2, "grid_every": 2, "hold": 0.5, "ema": 0.9},
    **{"ama": {"rate": 1e-2, "initial": "uniform"}},
    "sample": {"count": 300, "seed": 1, "batchnorm": "running"},
}


def load_network(*arguments: Any) -> Taps32:
    """In place of an extractor file's."""
    return Taps32()


class Study:
    """A study of one run, `x`, in a folder of its own: all that its training reads is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[int, int]] = []  # that were taken: seed and step
        network = Taps32()
        images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
        measured = real(network, images)
        about = {**measured.about, "image_size": 32}
        where = folder / "data/stats/d-e-eval.safetensors"
        statistics.save(statistics.Statistics(about, measured.mean, measured.variance), where)
        generators.save_decoder(None, folder / "data/decoders/none.safetensors")

    def write(self, seeds: list[int], **changes: Any) -> None:
        with (self.folder / "params.yaml").open("w") as file:
            YAML().dump({"runs": {"x": {**ROW, "seeds": seeds, **changes}}}, file)
        os.chdir(self.folder)
        self.steps.clear()

    def train(self, seeds: list[int], **changes: Any) -> dict[str, str]:
        """Run the stage; returns every file that it is for, with its digest."""
        self.write(seeds, **changes)
        train.main("x")
        return self.files()

    def files(self) -> dict[str, str]:
        places = [self.folder / place for place in ("data/models/x", "reports/history/x")]
        found = sorted(path for place in places for path in place.rglob("*.*"))
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in found
        }

    def timing(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "data/timings/train-x.json").read_text())
        return found


def of_seed(files: Mapping[str, str], seed: int) -> dict[str, str]:
    """Those of one seed: weights, description, three grids and a history."""
    found = {path: digest for path, digest in files.items() if f"/seed-{seed}" in path}
    assert len(found) == 6
    return found


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Study]:
    """Makes studies by name; of each the steps are noted, and a signal can be sent in one."""
    monkeypatch.setattr(train, "load_extractor", load_network)
    monkeypatch.setattr(train, "keep_freed_memory", lambda: None)  # for all tests after this one
    monkeypatch.delenv("GFMN_SCRATCH", raising=False)
    monkeypatch.chdir(tmp_path)
    step = Trainer.step

    def noted(trainer: Trainer, number: int) -> None:
        made[Path.cwd()].steps.append((trainer.config.seed, number))
        step(trainer, number)

    monkeypatch.setattr(Trainer, "step", noted)
    made: dict[Path, Study] = {}

    def make(name: str = "study") -> Study:
        made[tmp_path / name] = Study(tmp_path / name)
        return made[tmp_path / name]

    return make


def stop_in(monkeypatch: pytest.MonkeyPatch, seed: int, done: int) -> None:
    """Send this process SIGTERM while a seed's step is under way."""
    step = Trainer.step

    def stopped(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        if (trainer.config.seed, number + 1) == (seed, done):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Trainer, "step", stopped)


def every_step(*seeds: int) -> list[tuple[int, int]]:
    return [(seed, step) for seed in seeds for step in range(STEPS)]


@pytest.mark.parametrize("objective", ["ama", "running"])
def test_each_seeds_files_are_those_of_a_run_of_that_seed_alone_in_any_order(
    objective: str, study: Callable[[str], Study]
) -> None:
    together = study("both").train([3, 5], objective=objective)
    assert together == study("swapped").train([5, 3], objective=objective)
    alone = {k: study(f"alone{k}").train([k], objective=objective) for k in (3, 5)}
    assert together == {**alone[3], **alone[5]}
    assert of_seed(together, 3).values() != of_seed(together, 5).values()
    about = json.loads(Path("data/models/x/seed-5/config.json").read_text())
    assert about["run"] == "x" and about["parameters"]["seed"] == 5


def test_a_stage_stopped_in_its_second_seed_goes_on_with_it_to_the_same_bytes(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    whole, cut = study("whole").train([3, 5]), study("cut")
    with monkeypatch.context() as patch:
        stop_in(patch, 5, 2)
        message = "train x seed 5: stopped by SIGTERM after step 2 of 5; the same command goes on"
        with pytest.raises(Stopped, match=message):
            cut.train([3, 5])
    assert of_seed(cut.files(), 3) == of_seed(whole, 3)  # whole, though the stage did not end
    capsys.readouterr()
    assert cut.train([3, 5]) == whole
    assert cut.steps == [(5, 2), (5, 3), (5, 4)]
    said = capsys.readouterr().err
    assert "train x seed 3: was finished before; its files are written again" in said
    assert "train x seed 5: goes on from step 2 to step 5" in said


def test_a_stop_in_a_seeds_last_step_ends_the_stage_before_the_next_seed(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = study("cut")
    with monkeypatch.context() as patch:
        stop_in(patch, 3, STEPS)
        message = "stopped by SIGTERM after seed 3; the same command goes on with seed 5"
        with pytest.raises(Stopped, match=message) as stopped:
            cut.train([3, 5])
    assert stopped.value.number == signal.SIGTERM and cut.steps == every_step(3)
    cut.train([3, 5])
    assert cut.steps == every_step(5)
    with monkeypatch.context() as patch:
        stop_in(patch, 7, STEPS)
        cut.train([7])  # nothing is left to stop


def test_adding_a_seed_trains_that_one_alone_and_dropping_one_removes_its_files(
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


def test_another_rate_trains_every_seed_again(study: Callable[[str], Study]) -> None:
    changed = study("changed")
    before = changed.train([3, 5])
    after = changed.train([3, 5], lr=2e-3)
    assert changed.steps == every_step(3, 5)
    assert before.keys() == after.keys() and before != after
    assert changed.train([3, 5]) == before and changed.steps == []


def test_the_timing_says_what_every_seed_took_whether_it_was_stopped_or_not(
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
    said = study("said")
    said.train([3])
    assert "train x: 5/5 steps" in capsys.readouterr().err
    said.train([4, 5])
    lines = capsys.readouterr().err
    assert "train x seed 4: 5/5 steps" in lines and "train x seed 5: 5/5 steps" in lines


def test_a_seed_that_diverges_is_named_and_the_seeds_before_it_are_kept(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt, finite = study("spoilt"), Trainer.finite
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "finite", lambda t: t.config.seed != 5 and finite(t))
        with pytest.raises(InputError, match=r"runs\.x: expected a finite .* at step 2 of seed 5;"):
            spoilt.train([3, 5])
    of_seed(spoilt.files(), 3)
    spoilt.train([3, 4])
    assert spoilt.steps == every_step(4)


def test_a_seed_goes_on_in_the_precision_in_which_it_was_begun(
    study: Callable[[str], Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks are measured once for all seeds; near a tie another day may decide otherwise."""
    loads: list[dict[str, str]] = []

    def load(*arguments: Any) -> Taps32:
        network = Taps32()
        network.precision = {"tiny": arguments[5].get("tiny", faster)}
        loads.append(network.precision)
        return network

    monkeypatch.setattr(train, "load_extractor", load)
    monkeypatch.setattr(Trainer, "_measured", lambda *arguments: faster)
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


def test_every_seed_is_sampled_to_the_bytes_of_all_its_samples_at_once(
    study: Callable[[str], Study],
) -> None:
    sampled = study("sampled")
    sampled.train([3, 5])
    sample.main("x")
    folder = sampled.folder / "data/samples/x"
    ends = (".npy", ".png", "-interpolation.png")
    names = {f"seed-{seed}{end}" for seed in (3, 5) for end in ends}
    assert {path.name for path in folder.iterdir()} == names
    for seed in (3, 5):
        generator, _ = generators.load(sampled.folder / f"data/models/x/seed-{seed}")
        images, file = draw(generator, 8, SampleConfig(count=300, seed=1)), BytesIO()
        np.save(file, images)
        assert (folder / f"seed-{seed}.npy").read_bytes() == file.getvalue()
        with Image.open(folder / f"seed-{seed}.png") as picture:
            assert (np.asarray(picture) == grid(images[:128], 16)).all()
    sampled.write([5])
    sample.main("x")
    assert {path.name for path in folder.iterdir()} == {f"seed-5{end}" for end in ends}


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ([], "seeds: expected at least one seed, and each once, found []"),
        ([3, 5, 3], "seeds: expected at least one seed, and each once, found [3, 5, 3]"),
        ([0, -1], "seeds.1: expected greater than or equal to 0, found -1"),
        ([0.5], "seeds.0: expected a valid integer, found 0.5"),
        (3, "seeds: expected a valid array, found 3"),
    ],
)
def test_seeds_that_are_none_negative_or_twice_there_are_refused_in_one_line(
    seeds: Any, message: str, study: Callable[[str], Study]
) -> None:
    with pytest.raises(InputError) as refused:
        study("refused").train(seeds)
    assert str(refused.value).startswith(f"params.yaml: runs.x.{message}")
    assert "\n" not in str(refused.value)


def test_a_run_of_several_seeds_is_one_training_for_each_in_their_order() -> None:
    fields = {key: value for key, value in ROW.items() if key != "sample"}
    several = SeedsConfig.parse({**fields, "seeds": [5, 3]}, "runs.x")
    expected = [TrainingConfig.parse({**fields, "seed": seed}, "runs.x") for seed in (5, 3)]
    assert several.each() == expected
    assert [one.seed for one in SeedsConfig.parse(fields, "runs.x").each()] == [0]
    shared = set(Method.model_fields)
    assert set(SeedsConfig.model_fields) - shared == {"seeds"}
    assert set(TrainingConfig.model_fields) - shared == {"seed"}


def test_processes_that_share_every_seed_leave_the_same_bytes_in_any_order(
    study: Callable[[str], Study],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(train, "__file__", __file__)  # what is started, once a process
    monkeypatch.setenv("GFMN_COMPILE", "0")
    root = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (root, root / "stages"))))
    shared = study("shared")
    together = shared.train([3, 5], processes=2)
    (scratch,) = (shared.folder / "data/scratch").glob("x-seed-5-*")
    shutil.rmtree(scratch)
    assert shared.train([5, 3], processes=2) == together
    said = capfd.readouterr().err
    assert said.count("was finished before") == said.count("train x seed 3: was finished") == 1


if __name__ == "__main__":
    train.load_extractor = load_network  # type: ignore[assignment]
    stage.run(train.main)
