"""A study's results, read from its folder and checked on the way in.

What is absent is None, so that one run that was not made does not hide the others; what is there
and malformed is an `InputError` that names the file.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pandas as pd
import pydantic

from gfmn.config import Config, nearest
from gfmn.errors import InputError
from gfmn.reporting.paper import paper_tables

HISTORY_COLUMNS = ("step", "images", "lr", "loss")
FileName = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9_-]+$")]


class RowConfig(Config):
    """A run's place in a table."""

    paper: int | None = None  # index of the paper's row that it stands beside
    beyond: bool = False  # the paper has no such row
    note: str = ""


class TableConfig(Config):
    """A table: which runs, in which order, beside which table of the paper."""

    title: str
    paper: str | None = None  # "table2", "table3" or "table4"
    rows: dict[str, RowConfig]


class ReportConfig(Config):
    """The section `report` of the parameter file."""

    title: str
    headline: str  # the run whose samples open the page
    tables: dict[FileName, TableConfig]


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
        if table.paper is not None and table.paper not in published:
            raise InputError(f"{path}.paper: no {table.paper!r}; {nearest(table.paper, published)}")
        size = len(published[table.paper]) if table.paper else 0
        for run, row in table.rows.items():
            if run not in known:
                raise InputError(f"{path}.rows.{run}: no such run; {nearest(run, known)}")
            if row.paper is not None and not 0 <= row.paper < size:
                expected = f"0 to {size - 1}" if size else "none, for the table names no paper's"
                raise InputError(f"{path}.rows.{run}.paper: expected {expected}, found {row.paper}")


def _near(config: ReportConfig, known: list[str]) -> str:
    return nearest(config.headline, known)


class Record(Config):
    """A result file: strict in what it must hold, open to keys that it may hold besides."""

    model_config = pydantic.ConfigDict(extra="ignore")


class Spread(Record):
    """A score that is a mean over splits."""

    mean: float
    std: float


class Metrics(Record):
    """`reports/metrics/<run>.json`: scores, each named with its evaluator and sample count."""

    run: str
    evaluator: str
    evaluator_digest: str
    n_generated: int
    n_reference: int
    resize: int | None = None  # px, side to which images are brought before the evaluator
    seed: int
    scores: dict[str, float | Spread]


class RealMetrics(Record):
    """`reports/metrics/reference-<dataset>-<evaluator>.json`: real images against other real."""

    dataset: str
    evaluator: str
    n_real: int
    n_reference: int
    scores: dict[str, float | Spread]


class Tap(Record):
    """One matched layer: its name and one sample's shape, C x H x W."""

    name: str
    shape: tuple[int, ...]


class Gap(Record):
    """How far a tap's generated moments are from the real ones, in real standard deviations."""

    tap: str
    mean_gap: float
    std_gap: float


class Model(Record):
    """`data/models/<run>/config.json`."""

    run: str
    parameters: dict[str, Any]
    features: int
    taps: tuple[Tap, ...]
    generator_parameters: int
    statistics: dict[str, Any]
    gaps: tuple[Gap, ...] = ()
    precision: dict[str, str] = pydantic.Field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """Everything that one run left behind."""

    name: str
    parameters: Mapping[str, Any]
    metrics: Metrics | None
    model: Model | None
    history: pd.DataFrame | None  # step, images, lr, loss, perhaps more
    grids: tuple[tuple[int, Path], ...]  # step, picture of the same noise
    samples: Path | None

    @property
    def status(self) -> str:
        """What became of the run, in words."""
        if self.metrics:
            return "scored"
        return "trained, not scored" if self.model else "not run"


@dataclass(frozen=True)
class Study:
    """A report's configuration and all results under one folder."""

    folder: Path
    config: ReportConfig
    runs: dict[str, RunResult]
    real: dict[tuple[str, str], RealMetrics]  # by data set, evaluator
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


def read_study(folder: Path, config: ReportConfig, runs: Mapping[str, Any]) -> Study:
    """Read what there is of every run in `runs` (name -> parameters); small files only."""
    results = {name: _read_run(folder, name, parameters) for name, parameters in runs.items()}
    real = {}
    datasets = {}
    for result in results.values():
        data, evaluator = (str(result.parameters.get(key)) for key in ("dataset", "evaluator"))
        path = folder / f"reports/metrics/reference-{data}-{evaluator}.json"
        if (data, evaluator) not in real and path.exists():
            real[data, evaluator] = _read(RealMetrics, path, {"dataset": data})
        meta = folder / f"data/prepared/{data}/meta.json"
        if data not in datasets and meta.exists():
            datasets[data] = _json(meta)
    timings = {path.stem: _json(path) for path in sorted(folder.glob("data/timings/*.json"))}
    measured = sorted(folder.glob("reports/metrics/extractor-*.json"))
    trained = {path.stem.removeprefix("extractor-"): _json(path) for path in measured}
    return Study(folder, config, results, real, datasets, timings, trained)


RecordT = TypeVar("RecordT", bound=Record)


def _read_run(folder: Path, name: str, parameters: Any) -> RunResult:
    if not isinstance(parameters, Mapping):
        raise InputError(f"runs.{name}: expected a mapping of parameters, found {parameters!r}")
    metrics = folder / f"reports/metrics/{name}.json"
    model = folder / f"data/models/{name}/config.json"
    history = folder / f"reports/history/{name}.tsv"
    samples = folder / f"data/samples/{name}.png"
    grids = sorted((folder / f"data/models/{name}/grids").glob("step-*.png"))
    steps = [(path.stem.removeprefix("step-"), path) for path in grids]
    mine = {"run": name}
    return RunResult(
        name=name,
        parameters=parameters,
        metrics=_read(Metrics, metrics, mine) if metrics.exists() else None,
        model=_read(Model, model, mine) if model.exists() else None,
        history=_read_history(history) if history.exists() else None,
        grids=tuple(sorted((int(step), path) for step, path in steps if step.isdigit())),
        samples=samples if samples.exists() else None,
    )


def _read(kind: type[RecordT], path: Path, expected: Mapping[str, str]) -> RecordT:
    record = kind.parse(_json(path), f"{path}: $")
    for key, value in expected.items():
        if getattr(record, key) != value:
            raise InputError(f"{path}: $.{key}: expected {value!r}, found {getattr(record, key)!r}")
    return record


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}") from None
    if not isinstance(data, dict):
        raise InputError(f"{path}: expected a JSON object, found {data!r:.60}")
    return data


def _read_history(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, sep="\t")
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(
            f"{path}: expected a table, found {' '.join(str(error).split())}"
        ) from None
    missing = [column for column in HISTORY_COLUMNS if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise InputError(f"{path}: expected a column {missing[0]!r}, found {found}")
    for column in HISTORY_COLUMNS:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise InputError(f"{path}: expected numbers in {column!r}, found {frame[column].dtype}")
    return frame
