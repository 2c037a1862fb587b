"""How long a study's stages will take on this machine, and how much memory and disk."""

import io
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gfmn import pretraining, sources
from gfmn.common import json_reader, paths
from gfmn.common.devices import keep_freed_memory
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.sources.files import is_remote
from gfmn.study import Study, measure, scale
from gfmn.study.measure import Data, Scoring, Speed
from gfmn.study.networks import check_evaluators, check_extractors
from gfmn.study.scale import Costs

GUESS = 50_000  # images of a data set that is yet to be downloaded
LEFT_OUT = {  # of a run: what changes no update's duration
    *("steps", "seed", "lr", "beta1", "beta2", "warmup", "lr_hold_fraction", "weights", "decoder"),
    *("grid_every", "snapshots", "processes"),
}
DVC_SECONDS = 1.0  # of a stage: what DVC hashes and writes


@dataclass(frozen=True)
class Part:
    """One stage; `seconds`: None where they cannot be measured, as those of a download."""

    stage: str
    what: str
    seconds: float | None


@dataclass
class Estimate:
    """What was found. `disk`: bytes of all stages' files; `share`: as `Speed` has it, the least."""

    parts: list[Part] = field(default_factory=list)
    disk: int = 0
    checkpoints: int = 0
    share: float = 1.0
    guessed: list[str] = field(default_factory=list)  # data sets whose size is not known

    @property
    def seconds(self) -> float:
        """Of all that could be measured."""
        return sum(part.seconds or 0.0 for part in self.parts)


class Estimator:
    """Measures a study in the current folder, each thing once; `scratch`: for temporary files."""

    def __init__(self, study: Study, params: Mapping[str, Any], where: str, scratch: Path) -> None:
        self.study, self.params, self.where, self.scratch = study, params, where, scratch
        self.data = {name: _data(name, row, where) for name, row in params["datasets"].items()}
        sizes = {name: data.size for name, data in self.data.items()}
        self.extractors = check_extractors(params, where, sizes)
        self.evaluators = check_evaluators(params, where, self.extractors)
        self.files: dict[str, Path] = {}
        self.real: dict[str, Statistics] = {}
        self.speeds: dict[str, Speed] = {}
        self.scorings: dict[tuple[str, str], Scoring] = {}
        self.found = Estimate()
        self.up_to_date: Collection[str] = ()
        self.measures: dict[str, Callable[[str, str], Iterator[Part]]] = {
            "prepare": self._prepare,
            "pretrain-extractor": self._pretrain_extractor,
            "extract-stats": self._extract_stats,
            "train": self._train,
            "sample": self._sample,
            "reference": self._reference,
            "evaluate": self._evaluate,
            "evaluate-snapshots": self._evaluate_snapshots,
        }

    def estimate(self, stages: Sequence[str], up_to_date: Collection[str]) -> Estimate:
        """Of these stages, in an order in which they can be built; what others made is read."""
        self.up_to_date = up_to_date
        with Progress("estimate", len(stages), "stages") as progress:
            for stage in stages:
                kind, _, name = stage.partition("@")
                if kind in self.measures:
                    with redirect_stderr(io.StringIO()):  # the progress of each
                        self.found.parts += self.measures[kind](stage, name)
                else:
                    what = "a download" if kind.startswith("fetch") else "not measured"
                    self.found.parts.append(Part(stage, what, None))
                progress.advance()
        if not stages:
            return self.found
        start = _start_seconds() + DVC_SECONDS
        what = f"start of {len(stages)} stages, {start:.1f} s each"
        self.found.parts.append(Part("start", what, start * len(stages)))
        networks = self.scratch.glob("*.safetensors")
        self.found.disk += sum(path.stat().st_size for path in networks)
        return self.found

    def _prepare(self, stage: str, name: str) -> Iterator[Part]:
        data, row = self.data[name], self.params["datasets"][name]
        self.found.disk += data.images * data.size**2 * 3
        if not data.known:
            self.found.guessed.append(name)
            yield Part(stage, "a download", None)
            return
        config = sources.parse(row, f"{self.where}: datasets.{name}")
        taken = measure.preparing(config, f"{self.where}: datasets.{name}", data.images)
        yield Part(stage, f"{data.images:,} images", taken)

    def _pretrain_extractor(self, stage: str, name: str) -> Iterator[Part]:
        row = self.params["extractors"]["trained"][name]
        config = pretraining.parse(row, f"{self.where}: extractors.trained.{name}")
        if not isinstance(config, pretraining.AutoencoderConfig):
            yield Part(stage, "needs the images' labels", None)
            return
        taken = measure.pretraining(config, name, self.data[config.dataset])
        yield Part(stage, f"{config.steps:,} updates", taken)

    def _extract_stats(self, stage: str, name: str) -> Iterator[Part]:
        config = StatisticsConfig.parse(self.params["statistics"][name], self.where)
        data = self.data[config.dataset]
        taken, self.real[name] = measure.extracting(config, self._file(config.extractor), data)
        self.found.disk += _bytes(self.real[name])
        yield Part(stage, f"{data.images:,} images", taken)

    def _train(self, stage: str, name: str) -> Iterator[Part]:
        run = self.study.runs[name]
        speed, seeds = self._speed(name), len(run.seeds)
        self.found.share = min(self.found.share, speed.share)
        self.found.disk += speed.model * seeds * (1 + run.snapshots)
        self.found.checkpoints += speed.checkpoint * seeds
        times = f" x {seeds} seeds" if seeds > 1 else ""
        what = f"{run.steps:,} updates{times} of {speed.seconds:.2g} s"
        yield Part(stage, what, speed.setup + speed.seconds * run.steps * seeds)

    def _sample(self, stage: str, name: str) -> Iterator[Part]:
        run, count = self.study.runs[name], self.study.sampling.of(name).count
        data, seeds = self.data[run.dataset], len(run.seeds)
        frequencies = (1 / data.classes,) * data.classes if run.conditional and data.classes else ()
        image = measure.sampling(run.each()[0], data.size, frequencies)
        self.found.disk += count * seeds * data.size**2 * 3
        yield Part(stage, f"{count * seeds:,} images", image * count * seeds)

    def _reference(self, stage: str, name: str) -> Iterator[Part]:
        row = self.params["references"][name]
        data, held_out = self.data[row["dataset"]], row["held_out"]
        scoring = self._scoring(row["dataset"], row["evaluator"])
        images = data.images + (self.data[held_out].images if held_out != row["dataset"] else 0)
        self.found.disk += data.images * scoring.width * 4
        taken = images * scoring.image + scoring.describe + scoring.compare
        yield Part(stage, f"{images:,} real images", taken)

    def _evaluate(self, stage: str, name: str) -> Iterator[Part]:
        row = self.params["evaluations"][name]
        run, scoring = row["run"], self._scoring(row["dataset"], row["evaluator"])
        count, seeds = self.study.sampling.of(run).count, len(self.study.trained[run].seeds)
        taken = seeds * (count * scoring.image + scoring.compare)
        yield Part(stage, f"{count * seeds:,} images", taken)

    def _evaluate_snapshots(self, stage: str, name: str) -> Iterator[Part]:
        row = self.params["snapshots"][name]
        run, scoring = (
            self.study.trained[row["run"]],
            self._scoring(row["dataset"], row["evaluator"]),
        )
        images = row.get("count", 5000) * run.snapshots * len(run.seeds)
        image = measure.sampling(run.each()[0], self.data[run.dataset].size, ())
        yield Part(stage, f"{images:,} images", images * (image + scoring.image))

    def _speed(self, name: str) -> Speed:
        run = self.study.runs[name]
        training = run.each()[0]
        key = training.model_dump_json(exclude=LEFT_OUT)
        if key not in self.speeds:
            measured = f"{run.dataset}-{run.extractor}-{run.batchnorm}"
            data, path = self.data[run.dataset], self._file(run.extractor)
            self.speeds[key] = measure.updating(training, path, data.size, self._real(measured))
        return self.speeds[key]

    def costs(self, name: str) -> Costs:
        """The constants of a run's updates, measured in a process that held nothing before."""
        run = self.study.runs[name]
        size, path = self.data[run.dataset].size, self._file(run.extractor)
        real = self._real(f"{run.dataset}-{run.extractor}-{run.batchnorm}")
        with ProcessPoolExecutor(1, get_context("spawn"), keep_freed_memory) as alone:
            return alone.submit(scale.fit, run.each()[0], path, size, real).result()

    def _real(self, name: str) -> Statistics:
        if name not in self.real:
            path = Path(f"data/stats/{name}.safetensors")
            if f"extract-stats@{name}" in self.up_to_date and path.is_file():
                self.real[name] = statistics.load(path)
            else:
                config = StatisticsConfig.parse(self.params["statistics"][name], self.where)
                data = self.data[config.dataset]
                _, self.real[name] = measure.extracting(config, self._file(config.extractor), data)
        return self.real[name]

    def _scoring(self, dataset: str, evaluator: str) -> Scoring:
        if (dataset, evaluator) not in self.scorings:
            path = self.scratch / f"evaluator-{evaluator}.safetensors"
            measure.write_networks(path, {evaluator: self.evaluators[evaluator]})
            self.scorings[dataset, evaluator] = measure.scoring(
                path,
                self.data[dataset],
                self.study.sampling.count,
                self.study.metrics,
                self.scratch,
            )
        return self.scorings[dataset, evaluator]

    def _file(self, extractor: str) -> Path:
        if extractor not in self.files:
            path = self.scratch / f"extractor-{extractor}.safetensors"
            self.files[extractor] = measure.write_networks(path, self.extractors[extractor])
        return self.files[extractor]


def _data(name: str, row: Mapping[str, Any], where: str) -> Data:
    """From its `meta.json` where it is prepared, else from the source, unless that is fetched."""
    size, meta = row.get("image_size", 32), paths.prepared(name) / "meta.json"
    if meta.is_file():
        facts = json_reader.read(meta, "a prepared data set")
        classes = len(facts.get("classes") or ()) or (10 if facts["labels"] else 0)
        return Data(facts["count"], size, classes)
    config = sources.parse(row, f"{where}: datasets.{name}")
    if not isinstance(config, sources.ImageSource):
        count = getattr(config, "count", None)
        return Data(count or GUESS, config.image_size, 0, known=count is not None)
    here = ("folder", "npy", "parquet", "webdataset")
    if row["source"] not in here or is_remote(str(row.get("path"))):
        return Data(config.limit or GUESS, config.image_size, 10, known=False)
    opened = config.open(f"{where}: datasets.{name}")
    count = min(opened.total, config.limit or opened.total) * (2 if config.flips else 1)
    return Data(count, config.image_size, len(opened.classes or ()))


def _bytes(real: Statistics) -> int:
    parts = (real.mean, real.variance, *real.groups.values())
    return sum(tensor.numel() * tensor.element_size() for part in parts for tensor in part.values())


def _start_seconds() -> float:
    command = [sys.executable, "-c", "import gfmn.training.seeds"]
    return measure.seconds(lambda: subprocess.run(command, check=True))
