"""How long the stages that are left will take: from those that are done, and from earlier runs."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from gfmn.common import json_reader
from gfmn.study import Study

SECONDS = {  # of a unit of work, or of a stage, until one of its kind has been seen
    "check-params": 10.0,
    "prepare": 15.0,
    "fetch-extractor": 15.0,
    "fetch-evaluator": 15.0,
    "insert-batchnorm": 15.0,
    "combine-extractors": 10.0,
    "evaluator-from-extractor": 10.0,
    "extract-stats": 30.0,
    "reference": 60.0,
    "sample": 0.003,
    "sample-baseline": 0.003,
    "evaluate": 0.006,
    "evaluate-snapshots": 0.006,
    "report": 30.0,
}
ESTIMATE = Path("data/estimate.json")  # what `gfmn estimate` measured, by stage; no stage's output
NEAR = 0.1  # by which a new forecast may differ from the last one without being shown


def work(study: Study, params: Mapping[str, Any]) -> dict[str, float]:
    """What stages have to do, of those whose parameters say it: updates, or images."""
    found: dict[str, float] = {}
    for name, run in study.trained.items():
        count = study.sampling.of(name).count * len(run.seeds)
        suffix = "-baseline" if name in study.baselines else ""
        found[f"train{suffix}@{name}"] = run.steps * len(run.seeds)
        found[f"sample{suffix}@{name}"] = count
        for key, row in params.get("evaluations", {}).items():
            if row["run"] == name:
                found[f"evaluate@{key}"] = count
        for key, row in params.get("snapshots", {}).items():
            if row["run"] == name:
                images = row.get("count", 5000) * run.snapshots * len(run.seeds)
                found[f"evaluate-snapshots@{key}"] = images
    for key, row in params.get("extractors", {}).get("trained", {}).items():
        found[f"pretrain-extractor@{key}"] = row.get("steps", 1)
    return found


def known(folder: Path, amounts: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage: as estimated, or as earlier runs took for as much work."""
    path, found = folder / ESTIMATE, dict[str, float]()
    if path.is_file():
        estimate = json_reader.read(path)
        for stage, seconds in estimate["stages"].items():
            then = estimate["work"].get(stage, 1.0)
            found[stage] = seconds * amounts.get(stage, then) / then
    for path in sorted((folder / "data/timings").glob("*.json")):
        timing = json_reader.read(path)
        kinds = ("train", "extract-stats", "pretrain-extractor")
        kind = next((kind for kind in kinds if path.stem.startswith(f"{kind}-")), None)
        if kind is None:
            continue
        name = path.stem.removeprefix(f"{kind}-")
        stage = f"{kind}@{name}"
        if kind == "train" and f"train-baseline@{name}" in amounts:
            stage = f"train-baseline@{name}"
        rate = timing.get("steps_per_second")
        found[stage] = amounts[stage] / rate if rate and stage in amounts else timing["seconds"]
    return found


class Forecast:
    """Seconds that are left of the stages to come and of the one under way."""

    def __init__(
        self, stages: Collection[str], amounts: Mapping[str, float], seen: Mapping[str, float]
    ) -> None:
        self.waiting = {*stages}
        self.amounts, self.seen = amounts, seen
        self.done: dict[str, tuple[float, float]] = {}  # by kind: units of work, seconds
        self.rates: dict[str, float] = {}  # by kind: seconds of a unit, of the stage under way
        self.stage, self.phase = "", 0.0
        self.shown: float | None = None
        self.at = 0.0

    def start(self, stage: str) -> None:
        """A stage begins."""
        self.waiting.discard(stage)
        self.stage, self.phase = stage, 0.0

    def advance(self, rate: float, left: float, units_after: float = 0.0) -> None:
        """The stage says of itself: units a second, seconds left, and units that follow these."""
        self.phase = left + units_after / rate if rate else left
        if rate and self.stage in self.amounts and kind_of(self.stage) not in SECONDS:
            self.rates[kind_of(self.stage)] = 1 / rate

    def finish(self, stage: str, seconds: float) -> None:
        """A stage has ended; one that was up to date in no time, which says nothing."""
        self.waiting.discard(stage)
        self.stage, self.phase = "", 0.0
        if seconds:
            units, total = self.done.get(kind_of(stage), (0.0, 0.0))
            units += self.amounts.get(stage, 1.0)
            self.done[kind_of(stage)] = (units, total + seconds)

    def left(self, elapsed: float, now: float) -> float | None:
        """Seconds to the end of all stages, never below 0; None where that is not known yet.

        `elapsed`: of the stage under way. `now`: a clock; small corrections are not shown, so that
        the time left falls steadily.
        """
        total = self._current(elapsed)
        for stage in self.waiting:
            expected = self.expected(stage)
            if expected is None or total is None:
                return None
            total += expected
        if total is None:
            return None
        if self.shown is not None:
            steady = max(0.0, self.shown - (now - self.at))
            if abs(total - steady) < NEAR * total:
                total = steady
        self.shown, self.at = total, now
        return total

    def _current(self, elapsed: float) -> float | None:
        """Seconds that are left of the stage under way: one that trains says so itself."""
        if not self.stage or (self.phase and kind_of(self.stage) not in SECONDS):
            return self.phase
        expected = self.expected(self.stage)
        return None if expected is None else max(self.phase, expected - elapsed, 0.0)

    def expected(self, stage: str) -> float | None:
        """Seconds of a stage to come."""
        kind, amount = kind_of(stage), self.amounts.get(stage, 1.0)
        if stage in self.seen:
            return self.seen[stage]
        if kind in self.done:
            units, seconds = self.done[kind]
            return seconds / units * amount
        if kind in self.rates or kind in SECONDS:
            return amount * (self.rates[kind] if kind in self.rates else SECONDS[kind])
        return None


def kind_of(stage: str) -> str:
    """`train` of `train@cats`."""
    return stage.partition("@")[0]
