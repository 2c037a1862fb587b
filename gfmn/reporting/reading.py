"""A study's results, read from its folder and checked on the way in.

What is absent stays out; what is there and malformed is an `InputError` that names the file.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting import names
from gfmn.reporting.missing import Inputs
from gfmn.reporting.records import Model, RealScores, Record, RunScores, Scores, SeedScores
from gfmn.reporting.results import Evaluation, ReportConfig, RunResult, SeedResult, Study

HISTORY_COLUMNS = ("step", "images", "lr", "loss")


class _Reference(Record):
    """What an entry of `references` must hold."""

    dataset: str
    evaluator: str


class _Evaluation(_Reference):
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
) -> Study:
    """Read what there is of every run; of generators nothing but their files' digests.

    The arguments behind `config` are sections of the parameter file, from names to entries; the
    order of the evaluations is that of the spaces in every table. `extractors` and `evaluators`
    serve to say of which part a run that is missing is short.
    """
    spaces = {
        name: _Evaluation.parse(of, f"evaluations.{name}") for name, of in evaluations.items()
    }
    for name, space in spaces.items():
        if space.run not in runs:
            raise InputError(
                f"evaluations.{name}.run: no {space.run!r}; {suggest(space.run, runs)}"
            )
    inputs = Inputs(folder, extractors or {}, evaluators or {})
    results = {name: _read_run(inputs, name, entry, spaces) for name, entry in runs.items()}
    real = {}
    for name, entry in references.items():
        of = _Reference.parse(entry, f"references.{name}")
        path = _scores_path(folder, f"reference-{name}")
        if path.exists():
            real[of.dataset, of.evaluator] = _read_scores(RealScores, path, of, [None])
    named = [run.parameters.get("dataset") for run in results.values()]
    named += [space.dataset for space in spaces.values()]
    metas = {str(name): folder / f"data/prepared/{name}/meta.json" for name in named}
    datasets = {name: _json(meta) for name, meta in metas.items() if meta.exists()}
    timings = {path.stem: _json(path) for path in sorted(folder.glob("data/timings/*.json"))}
    measured = sorted(folder.glob("reports/metrics/extractor-*.json"))
    trained = {path.stem.removeprefix("extractor-"): _json(path) for path in measured}
    scoring = tuple(dict.fromkeys(space.evaluator for space in spaces.values()))
    study = Study(folder, config, results, scoring, real, datasets, timings, trained)
    _check_spaces(study)
    return study


RecordT = TypeVar("RecordT", bound=Record)
ScoresT = TypeVar("ScoresT", bound=Scores)


def _scores_path(folder: Path, name: str) -> Path:
    return folder / f"data/scores/{name}.json"


def _read_run(
    inputs: Inputs, name: str, parameters: Any, spaces: Mapping[str, _Evaluation]
) -> RunResult:
    if not isinstance(parameters, Mapping):
        raise InputError(f"runs.{name}: expected a mapping of parameters, found {parameters!r}")
    seeds = parameters.get("seeds")
    if not isinstance(seeds, list) or not seeds or any(type(seed) is not int for seed in seeds):
        raise InputError(f"runs.{name}.seeds: expected a list of seeds, found {seeds!r}")
    trained = tuple(_read_seed(inputs.folder, name, seed) for seed in seeds)
    whole = all(seed.model for seed in trained)
    sampled = all(seed.samples for seed in trained) or not whole
    evaluations = []
    for key, space in spaces.items():
        if space.run == name:
            path = _scores_path(inputs.folder, key)
            scores = _read_scores(RunScores, path, space, seeds) if path.exists() else None
            of = (space.dataset, space.evaluator)
            missing = () if scores else inputs.of_scores(*of, sampled)
            evaluations.append(Evaluation(key, *of, scores, missing))
    missing = () if whole else inputs.of_training(parameters)
    return RunResult(name, parameters, trained, tuple(evaluations), missing)


def _read_seed(folder: Path, run: str, seed: int) -> SeedResult:
    place = f"{run}/seed-{seed}"
    config = folder / f"data/models/{place}/config.json"
    model = _read(Model, config, {"run": run}) if config.exists() else None
    if model and model.parameters.get("seed") != seed:
        found = model.parameters.get("seed")
        raise InputError(f"{config}: $.parameters.seed: expected {seed}, found {found!r}")
    history = folder / f"reports/history/{place}.tsv"
    samples = folder / f"data/samples/{place}.png"
    grids = sorted((folder / f"data/models/{place}/grids").glob("step-*.png"))
    steps = [(path.stem.removeprefix("step-"), path) for path in grids]
    return SeedResult(
        seed=seed,
        model=model,
        history=_read_history(history) if history.exists() else None,
        grids=tuple(sorted((int(step), path) for step, path in steps if step.isdigit())),
        samples=samples if samples.exists() else None,
        generator_digest=_digest(folder / f"data/models/{place}/generator.safetensors"),
    )


def _digest(path: Path) -> str | None:
    if not path.exists():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(kind: type[RecordT], path: Path, expected: Mapping[str, str]) -> RecordT:
    record = kind.parse(_json(path), f"{path}: $")
    for key, value in expected.items():
        if getattr(record, key) != value:
            raise InputError(f"{path}: $.{key}: expected {value!r}, found {getattr(record, key)!r}")
    return record


def _read_scores(
    kind: type[ScoresT], path: Path, of: _Reference, seeds: Sequence[int | None]
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
        if names.kind(key) in names.INCEPTION and not canonical:
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
    for name, scores in study.files():
        first, other = seen.setdefault(scores.evaluator, (name, scores))
        for key in ("evaluator_digest", "architecture", "resizer", "canonical", "in_domain"):
            expected, found = getattr(other, key), getattr(scores, key)
            if expected != found:
                where = f"{_scores_path(study.folder, name)}: $.{key}"
                raise InputError(
                    f"{where}: expected {expected!r}, as in {first}.json, found {found!r}"
                )


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
