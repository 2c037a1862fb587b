"""Read a study's results from its folder, and check them.

What is absent stays out; what is there and malformed is an `InputError` that names the file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from gfmn.common import divergence, json_reader, paths
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.missing_inputs import StudyInputs
from gfmn.reporting.networks import Networks
from gfmn.reporting.records import (
    INCEPTION_KINDS,
    REAL_DATA,
    RealScores,
    Record,
    RunScores,
    Scores,
    Snapshots,
    TrainedModel,
)
from gfmn.reporting.results import RunEvaluation, RunResult, SeedResult, Study
from gfmn.reporting.score_files import COLUMNS, SNAPSHOTS, read_frame

HISTORY_COLUMNS = ("step", "images", "lr", "loss")


class _Entry(Record):
    """What an entry of `references` must hold, and with a run one of `evaluations`."""

    dataset: str
    evaluator: str


class _EvaluationEntry(_Entry):
    run: str


def read_study(
    folder: Path,
    config: ReportConfig,
    runs: Mapping[str, Any],
    evaluations: Mapping[str, Any],
    references: Mapping[str, Any],
    extractors: Mapping[str, Any] | None = None,
    evaluators: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    snapshots: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Study:
    """Read the results of every run that there are; of a generator its file's digest alone.

    The arguments behind `config` are sections of the parameter file. `runs` has each run's complete
    parameters by name; every one may be absent. The order of
    the evaluations is that of the feature spaces in every table. `extractors` and `evaluators` tell
    which networks runs match, and which part a run lacks that was not made; `sampling` is how all
    samples are drawn, `defaults` what runs have where their rows say nothing else.
    """
    entries = {
        name: _EvaluationEntry.parse(entry, f"evaluations.{name}")
        for name, entry in evaluations.items()
    }
    for name, entry in entries.items():
        if entry.run not in runs:
            hint = suggest(entry.run, runs)
            raise InputError(f"evaluations.{name}.run: no {entry.run!r}; {hint}")
    inputs = StudyInputs(folder, extractors or {}, evaluators or {})
    results = {name: _read_run(inputs, name, row, entries) for name, row in runs.items()}
    real = {}
    for name, data in references.items():
        of = _Entry.parse(data, f"references.{name}").model_dump()
        path = folder / paths.scores(f"reference-{name}")
        if path.exists():
            real[of["dataset"], of["evaluator"]] = _read_scores(
                RealScores, path, of | {"run": REAL_DATA}, [None]
            )
    datasets = [run.dataset for run in results.values()]
    datasets += [entry.dataset for entry in entries.values()]
    series = {name: folder / paths.scores(f"snapshots-{name}") for name in snapshots or {}}
    study = Study(
        folder=folder,
        config=config,
        runs=results,
        evaluators=tuple(dict.fromkeys(entry.evaluator for entry in entries.values())),
        real=real,
        datasets=_json_files(
            (name, folder / paths.prepared(name) / "meta.json") for name in datasets
        ),
        timings=_json_files((p.stem, p) for p in sorted(folder.glob("data/timings/*.json"))),
        trained=_json_files(
            (path.stem.removeprefix("extractor-"), path)
            for path in sorted(folder.glob("reports/metrics/extractor-*.json"))
        ),
        sampling=sampling or {},
        networks=Networks(extractors or {}, evaluators or {}),
        snapshots={
            name: _parse(Snapshots, path, read_frame(path, SNAPSHOTS), (snapshots or {})[name])
            for name, path in series.items()
            if path.exists()
        },
        defaults=defaults or {},
    )
    _check_spaces(study)
    return study


RecordT = TypeVar("RecordT", bound=Record)
ScoresT = TypeVar("ScoresT", bound=Scores)


def _read_run(
    inputs: StudyInputs, name: str, parameters: Any, entries: Mapping[str, _EvaluationEntry]
) -> RunResult:
    if not isinstance(parameters, Mapping):
        raise InputError(f"runs.{name}: expected a mapping of parameters, found {parameters!r}")
    seeds = parameters.get("seeds", [0])  # as gfmn.training.config.TrainingConfig has it
    if not isinstance(seeds, list) or not seeds or any(type(seed) is not int for seed in seeds):
        raise InputError(f"runs.{name}.seeds: expected a list of seeds, found {seeds!r}")
    diverged = divergence.read(inputs.folder, name)
    results = tuple(_read_seed(inputs.folder, name, seed, diverged.get(seed)) for seed in seeds)
    is_trained = all(result.model or result.diverged for result in results)
    is_sampled = all(result.samples or result.diverged for result in results) or not is_trained
    evaluations = []
    for key, entry in entries.items():
        if entry.run == name:
            path = inputs.folder / paths.scores(key)
            of = entry.model_dump()
            scores = _read_scores(RunScores, path, of, seeds) if path.exists() else None
            pair = entry.dataset, entry.evaluator
            missing = () if scores else inputs.missing_for_scores(*pair, is_sampled)
            evaluations.append(RunEvaluation(key, *pair, scores, missing))
    missing = () if is_trained else inputs.missing_for_training(parameters)
    return RunResult(name, parameters, results, tuple(evaluations), missing)


def _read_seed(folder: Path, run: str, seed: int, diverged: int | None) -> SeedResult:
    model_folder = folder / paths.model(run, seed)
    config, weights = model_folder / "config.json", model_folder / "generator.safetensors"
    model = None
    if config.exists():
        model = _parse(TrainedModel, config, json_reader.read(config), {"run": run})
        if (other := model.parameters.get("seed")) != seed:
            raise InputError(f"{config}: $.parameters.seed: expected {seed}, found {other!r}")
    history = folder / paths.history(run, seed)
    samples = (folder / paths.samples(run, seed)).with_suffix(".png")
    grids = sorted((model_folder / "grids").glob("step-*.png"))
    steps = [(path.stem.removeprefix("step-"), path) for path in grids]
    digest = None
    if weights.exists():
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return SeedResult(
        seed=seed,
        model=model,
        history=_read_history(history) if history.exists() else None,
        grids=tuple(sorted((int(step), path) for step, path in steps if step.isdigit())),
        samples=samples if samples.exists() else None,
        generator_digest=digest,
        diverged=diverged,
    )


def _parse(
    kind: type[RecordT], path: Path, data: Mapping[str, Any], expected: Mapping[str, Any]
) -> RecordT:
    """A record, if it is of what is expected, such as the run."""
    record = kind.parse(data, f"{path}: $")
    for key, value in expected.items():
        if (found := getattr(record, key, value)) != value:
            raise InputError(f"{path}: $.{key}: expected {value!r}, found {found!r}")
    if isinstance(record, Scores | Snapshots):
        rows = {None if pd.isna(seed) else int(seed) for seed in record.rows["seed"]}
        if rows != {one.seed for one in record.seeds}:
            raise InputError(f"{path}: expected rows of exactly the seeds in the metadata")
    return record


def _read_scores(
    kind: type[ScoresT], path: Path, of: Mapping[str, str], seeds: Sequence[int | None]
) -> ScoresT:
    facts = read_frame(path, COLUMNS)
    run = facts.get("run") if kind is RunScores else of["run"]
    record = _parse(kind, path, facts | {"run": run}, of)
    if not record.seeds:
        raise InputError(f"{path}: $.seeds: expected the scores of at least one seed, found none")
    left = list(seeds)
    for i, found in enumerate(record.seeds):
        if found.seed not in left:
            expected = f"one of {', '.join(map(str, left))}" if left else "no more"
            raise InputError(f"{path}: $.seeds.{i}.seed: expected {expected}, found {found.seed}")
        left.remove(found.seed)
    rows = record.rows
    foreign = rows.loc[rows["kind"].isin(INCEPTION_KINDS) & (not record.canonical), "score"]
    if len(foreign):
        expected = "no name of a score in FID's own Inception, for this space is another"
        raise InputError(f"{path}: expected {expected}, found {foreign.iloc[0]!r}")
    unexplained = rows.loc[rows["std"].notna() & rows["over"].isna(), "score"]
    if len(unexplained):
        raise InputError(f"{path}: {unexplained.iloc[0]}: expected what its deviation is over")
    return record


def _check_spaces(study: Study) -> None:
    """Numbers stand in one column only where one and the same network made them."""
    seen: dict[str, tuple[str, Scores]] = {}
    for name, scores in study.score_files():
        first, other = seen.setdefault(scores.evaluator, (name, scores))
        for key in ("evaluator_digest", "architecture", "resizer", "canonical"):
            expected, found = getattr(other, key), getattr(scores, key)
            if expected != found:
                where = f"{study.folder / paths.scores(name)}: $.{key}"
                raise InputError(
                    f"{where}: expected {expected!r}, as in {first}.parquet, found {found!r}"
                )


def _json_files(files: Iterable[tuple[str, Path]]) -> dict[str, dict[str, Any]]:
    """The content of those files that exist, by name."""
    return {name: json_reader.read(path) for name, path in files if path.exists()}


def _read_history(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, sep="\t")
    except (ValueError, pd.errors.ParserError) as error:
        found = " ".join(str(error).split())
        raise InputError(f"{path}: expected a table, found {found}") from None
    for column in HISTORY_COLUMNS:
        if column not in frame:
            found = ", ".join(map(str, frame.columns))
            raise InputError(f"{path}: expected a column {column!r}, found {found}")
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise InputError(f"{path}: expected numbers in {column!r}, found {frame[column].dtype}")
    return frame
