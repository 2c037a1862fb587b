"""Read a study's results from its folder, and check them.

What is absent stays out; what is there and malformed is an `InputError` that names the file.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from gfmn.common import json_reader, paths
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.missing_inputs import StudyInputs
from gfmn.reporting.networks import Networks
from gfmn.reporting.records import RealScores, Record, RunScores, Scores, SeedScores, TrainedModel
from gfmn.reporting.results import RunEvaluation, RunResult, SeedResult, Study
from gfmn.reporting.score_files import read_record
from gfmn.reporting.score_info import INCEPTION_KINDS
from gfmn.reporting.snapshots import read_snapshots

HISTORY_COLUMNS = ("step", "images", "lr", "loss")


class _ReferenceEntry(Record):
    """What an entry of `references` must hold."""

    dataset: str
    evaluator: str


class _EvaluationEntry(_ReferenceEntry):
    """What an entry of `evaluations` must hold."""

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
            raise InputError(
                f"evaluations.{name}.run: no {entry.run!r}; {suggest(entry.run, runs)}"
            )
    inputs = StudyInputs(folder, extractors or {}, evaluators or {})
    results = {name: _read_run(inputs, name, row, entries) for name, row in runs.items()}
    real = {}
    for name, data in references.items():
        reference = _ReferenceEntry.parse(data, f"references.{name}")
        path = _scores_path(folder, f"reference-{name}")
        if path.exists():
            pair = reference.dataset, reference.evaluator
            real[pair] = _read_scores(RealScores, path, reference, [None])
    datasets = [run.dataset for run in results.values()]
    datasets += [entry.dataset for entry in entries.values()]
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
        snapshots=read_snapshots(folder, snapshots or {}),
        defaults=defaults or {},
    )
    _check_spaces(study)
    return study


RecordT = TypeVar("RecordT", bound=Record)
ScoresT = TypeVar("ScoresT", bound=Scores)


def _scores_path(folder: Path, name: str) -> Path:
    return folder / f"data/scores/{name}.parquet"


def _read_run(
    inputs: StudyInputs, name: str, parameters: Any, entries: Mapping[str, _EvaluationEntry]
) -> RunResult:
    if not isinstance(parameters, Mapping):
        raise InputError(f"runs.{name}: expected a mapping of parameters, found {parameters!r}")
    seeds = parameters.get("seeds", [0])  # as gfmn.training.config.SeedsConfig has it
    if not isinstance(seeds, list) or not seeds or any(type(seed) is not int for seed in seeds):
        raise InputError(f"runs.{name}.seeds: expected a list of seeds, found {seeds!r}")
    results = tuple(_read_seed(inputs.folder, name, seed) for seed in seeds)
    is_trained = all(result.model for result in results)
    is_sampled = all(result.samples for result in results) or not is_trained
    evaluations = []
    for key, entry in entries.items():
        if entry.run == name:
            path = _scores_path(inputs.folder, key)
            scores = _read_scores(RunScores, path, entry, seeds) if path.exists() else None
            pair = entry.dataset, entry.evaluator
            missing = () if scores else inputs.missing_for_scores(*pair, is_sampled)
            evaluations.append(RunEvaluation(key, *pair, scores, missing))
    missing = () if is_trained else inputs.missing_for_training(parameters)
    return RunResult(name, parameters, results, tuple(evaluations), missing)


def _read_seed(folder: Path, run: str, seed: int) -> SeedResult:
    model_folder = folder / paths.model(run, seed)
    config = model_folder / "config.json"
    model = _read(TrainedModel, config, {"run": run}) if config.exists() else None
    if model and model.parameters.get("seed") != seed:
        other = model.parameters.get("seed")
        raise InputError(f"{config}: $.parameters.seed: expected {seed}, found {other!r}")
    history = folder / paths.history(run, seed)
    samples = (folder / paths.samples(run, seed)).with_suffix(".png")
    grids = sorted((model_folder / "grids").glob("step-*.png"))
    steps = [(path.stem.removeprefix("step-"), path) for path in grids]
    return SeedResult(
        seed=seed,
        model=model,
        history=_read_history(history) if history.exists() else None,
        grids=tuple(sorted((int(step), path) for step, path in steps if step.isdigit())),
        samples=samples if samples.exists() else None,
        generator_digest=_digest(model_folder / "generator.safetensors"),
    )


def _digest(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(kind: type[RecordT], path: Path, expected: Mapping[str, str]) -> RecordT:
    data = read_record(path) if issubclass(kind, Scores) else json_reader.read(path)
    record = kind.parse(data, f"{path}: $")
    for key, value in expected.items():
        if getattr(record, key) != value:
            raise InputError(f"{path}: $.{key}: expected {value!r}, found {getattr(record, key)!r}")
    return record


def _read_scores(
    kind: type[ScoresT], path: Path, of: _ReferenceEntry, seeds: Sequence[int | None]
) -> ScoresT:
    record = _read(kind, path, of.model_dump())
    if not record.seeds:
        raise InputError(f"{path}: $.seeds: expected the scores of at least one seed, found none")
    left = list(seeds)
    for i, found in enumerate(record.seeds):
        at = f"{path}: $.seeds.{i}"
        if found.seed not in left:
            expected = f"one of {', '.join(map(str, left))}" if left else "no more"
            raise InputError(f"{at}.seed: expected {expected}, found {found.seed}")
        left.remove(found.seed)
        _check_seed(found, record.canonical, at)
    return record


def _check_seed(found: SeedScores, canonical: bool, at: str) -> None:
    """Inception's names only in its space; deviations over something; lists of one length."""
    for key, score in found.scores.items():
        if score.kind in INCEPTION_KINDS and not canonical:
            expected = "no name of a score in FID's own Inception, for this space is another"
            raise InputError(f"{at}.scores: expected {expected}, found {key!r}")
        if score.std is not None and not score.over:
            raise InputError(f"{at}.scores.{key}.over: expected what std is over, found nothing")
    for space in ("pixel", "feature"):
        distances = getattr(found.nearest, space, None)
        for side in ("generated", "held_out") if distances else ():
            if (n := len(getattr(distances, side))) != 101:
                where = f"{at}.nearest.{space}.{side}"
                raise InputError(f"{where}: expected 101 percentiles, found {n}")
    if classes := found.classes:
        lengths = [len(classes.real), len(classes.generated)]
        lengths += [len(classes.names)] if classes.names is not None else []
        if len(set(lengths)) > 1 or not lengths[0]:
            shares = ", ".join(map(str, lengths))
            raise InputError(f"{at}.classes: expected as many shares as names, found {shares}")


def _check_spaces(study: Study) -> None:
    """Numbers stand in one column only where one and the same network made them."""
    seen: dict[str, tuple[str, Scores]] = {}
    for name, scores in study.score_files():
        first, other = seen.setdefault(scores.evaluator, (name, scores))
        for key in ("evaluator_digest", "architecture", "resizer", "canonical", "in_domain"):
            expected, found = getattr(other, key), getattr(scores, key)
            if expected != found:
                where = f"{_scores_path(study.folder, name)}: $.{key}"
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
