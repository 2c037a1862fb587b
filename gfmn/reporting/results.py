"""A report's configuration, and a study's results: by run, by seed, by space.

What is absent is None, so that one run that was not made does not hide the others.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import pydantic

from gfmn.common.config import Config, suggest
from gfmn.common.errors import InputError
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.records import Model, RealScores, RunScores, Scores

ALL_SCORES = "scores"  # the file of every score; no table can have its name
FileName = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9_-]+$")]


class RowConfig(Config):
    """A run's place in a table."""

    paper: int | None = None  # index of the paper's row that it stands beside
    beyond: bool = False  # the paper has no such row
    note: str = ""


class TableConfig(Config):
    """A table: which runs, in which order, beside which table of the paper."""

    title: str
    paper: str | None = None  # "table2", "table3", "table4_cifar10" or "table4_stl10"
    # The paper's rows that no run stands beside are rows too, and its order is the table's. A run
    # without a row of the paper's stands behind the run before it.
    published: bool = False
    rows: dict[str, RowConfig]


class FigureConfig(Config):
    """A figure of runs' pictures, as the paper's Figures 2, 3 and 5."""

    title: str
    paper: str | None = None  # "figure2", "figure3" or "figure5"
    # Large grids of samples side by side, or the loss by epoch with grids of one noise along it.
    kind: Literal["samples", "progress"]
    runs: tuple[str, ...]


class ReportConfig(Config):
    """The section `report` of the parameter file."""

    title: str
    headline: str  # the run whose samples open the page
    tables: dict[FileName, TableConfig]
    figures: dict[FileName, FigureConfig] = pydantic.Field({})


def check_report(config: ReportConfig, run_names: Iterable[str], where: str) -> None:
    """Refuse a report of unknown runs or of rows that the paper does not have; needs no results.

    `where` is the section's path in its file, with which every `InputError` begins.
    """
    known = list(run_names)
    published = paper_tables()
    if config.headline not in known:
        raise InputError(f"{where}.headline: no run {config.headline!r}; {_near(config, known)}")
    for name, table in config.tables.items():
        path = f"{where}.tables.{name}"
        if name == ALL_SCORES:
            raise InputError(f"{path}: expected another name, for that file holds every score")
        if table.paper is not None and table.paper not in published:
            raise InputError(f"{path}.paper: no {table.paper!r}; {suggest(table.paper, published)}")
        if table.published and table.paper is None:
            raise InputError(f"{path}.published: expected a table of the paper's as `paper`")
        size = len(published[table.paper]) if table.paper else 0
        for run, row in table.rows.items():
            if run not in known:
                raise InputError(f"{path}.rows.{run}: no such run; {suggest(run, known)}")
            if row.paper is not None and not 0 <= row.paper < size:
                expected = f"0 to {size - 1}" if size else "none, for the table names no paper's"
                raise InputError(f"{path}.rows.{run}.paper: expected {expected}, found {row.paper}")
    for name, figure in config.figures.items():
        for run in figure.runs:
            if run not in known:
                expected = suggest(run, known)
                raise InputError(f"{where}.figures.{name}.runs: no run {run!r}; {expected}")


def _near(config: ReportConfig, known: list[str]) -> str:
    return suggest(config.headline, known)


@dataclass(frozen=True)
class SeedResult:
    """What the training of one seed left behind."""

    seed: int
    model: Model | None
    history: pd.DataFrame | None  # step, images, lr, loss, perhaps more
    grids: tuple[tuple[int, Path], ...]  # step, picture of the same noise
    samples: Path | None
    generator_digest: str | None = None  # sha256 of its file


@dataclass(frozen=True)
class Evaluation:
    """A run's samples in one space: against a data set's images, in an evaluator's features."""

    name: str
    dataset: str
    evaluator: str
    scores: RunScores | None
    missing: tuple[str, ...] = ()  # where there are no scores: which inputs are not there


@dataclass(frozen=True)
class RunResult:
    """Everything that one run left behind: by seed, and by evaluation."""

    name: str
    parameters: Mapping[str, Any]
    seeds: tuple[SeedResult, ...]
    evaluations: tuple[Evaluation, ...]
    missing: tuple[str, ...] = ()  # where it is not trained: which inputs are not there

    @property
    def model(self) -> Model | None:
        """The first model that is there; seeds do not differ in what they match."""
        return next((seed.model for seed in self.seeds if seed.model), None)

    @property
    def shown(self) -> SeedResult:
        """The seed whose pictures are shown: the first that has samples."""
        return next((seed for seed in self.seeds if seed.samples), self.seeds[0])

    def which(self, seed: int) -> str:
        """Which seed a picture is of, behind the run's name; nothing where it has only one."""
        several = ", ".join(str(result.seed) for result in self.seeds)
        return f", seed {seed} of {several}" if len(self.seeds) > 1 else ""

    def evaluation(self, evaluator: str) -> Evaluation | None:
        """The one in an evaluator's space, rather against the run's own data set than another."""
        found = [one for one in self.evaluations if one.evaluator == evaluator]
        own = self.parameters.get("dataset")
        return min(found, key=lambda one: one.dataset != own, default=None)

    def scores(self, evaluator: str) -> RunScores | None:
        """That evaluation's scores."""
        found = self.evaluation(evaluator)
        return found.scores if found else None

    @property
    def scored(self) -> bool:
        """Whether there are scores in any space."""
        return any(one.scores for one in self.evaluations)

    @property
    def status(self) -> str:
        """What became of the run, in words; where something is missing, what that is."""
        seeds = len(self.seeds)
        trained = sum(seed.model is not None for seed in self.seeds)
        scores = [one.scores for one in self.evaluations if one.scores]
        unscored = [reason for one in self.evaluations for reason in one.missing]
        if scores:
            spaces = len(self.evaluations)
            where = f" in {len(scores)} of {spaces} spaces" if len(scores) < spaces else ""
            least = min(len(found.seeds) for found in scores)
            some = f", {least} of {seeds} seeds" if least < seeds else ""
            return _with_reasons(f"scored{where}{some}", unscored)
        if not trained:
            return _with_reasons("not run", self.missing)
        some = f"{trained} of {seeds} seeds " if trained < seeds else ""
        return _with_reasons(f"{some}trained, not scored", [*self.missing, *unscored])


def _with_reasons(status: str, reasons: Iterable[str]) -> str:
    known = ", ".join(dict.fromkeys(reasons))
    return f"{status}: {known}" if known else status


@dataclass(frozen=True)
class Study:
    """A report's configuration and all results under one folder."""

    folder: Path
    config: ReportConfig
    runs: dict[str, RunResult]
    evaluators: tuple[str, ...]  # in the order of the evaluations
    real: dict[tuple[str, str], RealScores]  # by data set, evaluator
    datasets: Mapping[str, Mapping[str, Any]]  # meta.json of those that are there
    timings: Mapping[str, Mapping[str, Any]]
    trained: Mapping[str, Mapping[str, Any]]  # what each network trained here can do

    @property
    def headline(self) -> RunResult:
        """The run whose samples open the page."""
        return self.runs[self.config.headline]

    def tile_size(self, dataset: Any) -> int:
        """Side of one image in px, 32 where the data set does not say."""
        return int(self.datasets.get(str(dataset), {}).get("image_size", 32))

    def files(self) -> Iterator[tuple[str, Scores]]:
        """The name and the content of every file of scores that is there, those of runs first."""
        for run in self.runs.values():
            yield from ((one.name, one.scores) for one in run.evaluations if one.scores)
        yield from ((f"reference-{'-'.join(pair)}", found) for pair, found in self.real.items())

    def in_space(self, evaluator: str) -> list[Scores]:
        """What there is in an evaluator's space; all of it names the same network."""
        return [scores for _, scores in self.files() if scores.evaluator == evaluator]
