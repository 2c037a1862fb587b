"""What a study's folder records of one run: read for its model card, checked to be consistent."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfmn.common import parameters, runs
from gfmn.common.errors import InputError
from gfmn.networks.extractor_file import NetworkHeader, file_digest, read_header
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.reading import read_study
from gfmn.reporting.records import RealScores, RunScores, TrainedModel
from gfmn.reporting.results import RunResult, SeedResult, Study


@dataclass(frozen=True)
class EvaluatorScores:
    """A run's scores in the features of one evaluator."""

    scores: RunScores  # of the seeds that the record is of
    all_seeds: RunScores | None  # of every seed, where the record is of one of several
    real: RealScores | None  # of real images scored in the same way
    networks: tuple[NetworkHeader, ...]  # the evaluator's; empty where its file is absent
    matched: bool  # whether the run was trained on features of this same network

    @property
    def space(self) -> str:
        """The evaluator's name, and whether it is the Inception that FID is defined with."""
        name = self.scores.evaluator
        if self.scores.canonical:
            return f"{name}, FID's own Inception"
        return f"{name} ({self.scores.architecture}, not FID's Inception)"


@dataclass(frozen=True)
class RunRecord:
    """A trained run, or one of its seeds."""

    run: RunResult
    seeds: tuple[SeedResult, ...]  # the trained ones, at least one
    model: TrainedModel  # of the first seed; the seeds match the same features
    extractor: tuple[NetworkHeader, ...]  # empty where its file is absent
    evaluators: tuple[EvaluatorScores, ...]
    dataset: Mapping[str, Any]  # meta.json; empty where it is absent
    digests: Mapping[int, str]  # sha256 of generator.safetensors by seed
    seconds: float | None  # training time of all seeds; None where some seeds are left out

    @property
    def dataset_name(self) -> str:
        """The data set that the run was trained on."""
        return str(self.model.statistics.get("dataset") or self.model.parameters.get("dataset"))

    @property
    def title(self) -> str:
        """The run's name, and the seed where it is one of several."""
        if len(self.seeds) == 1 and len(self.run.seeds) > 1:
            return f"{self.run.name}, seed {self.seeds[0].seed}"
        return self.run.name


def read_run(folder: Path, name: str, seed: int | None = None) -> RunRecord:
    """Read a run of the study in `folder`: one seed, or all that are trained.

    Raises `InputError` for a run or seed that is unknown or not trained, and where an extractor,
    evaluator or data set has changed since the run was made.
    """
    path = folder / "params.yaml"
    params = parameters.read(path)
    row, _ = runs.run_row(params, name, str(path))
    evaluations = {
        key: entry
        for key, entry in params.get("evaluations", {}).items()
        if isinstance(entry, Mapping) and entry.get("run") == name
    }
    config = ReportConfig(title=name, headline=name, tables={})
    study = read_study(folder, config, {name: row}, evaluations, params.get("references", {}))
    run = study.runs[name]
    seeds = _trained_seeds(run, seed, folder)
    model = next(result.model for result in seeds if result.model)
    file = folder / f"data/extractors/{model.statistics.get('extractor')}.safetensors"
    extractor = _read_networks(file, model.statistics.get("extractor_digest"))
    dataset = study.datasets.get(str(model.statistics.get("dataset")), {})
    expected, found = model.statistics.get("dataset_digest"), dataset.get("digest")
    if expected and found and expected != found:
        path = folder / f"data/prepared/{model.statistics['dataset']}/meta.json"
        raise _changed_file(path, str(expected), str(found))
    weights = {result.seed: folder / _weights_path(name, result.seed) for result in seeds}
    seconds = study.timings.get(f"train-{name}", {}).get("seconds")
    return RunRecord(
        run=run,
        seeds=seeds,
        model=model,
        extractor=extractor,
        evaluators=_read_evaluators(study, run, seeds, extractor),
        dataset=dataset,
        digests={one: file_digest(path) for one, path in weights.items() if path.exists()},
        seconds=seconds if len(seeds) == len(run.seeds) else None,
    )


def _weights_path(run: str, seed: int) -> str:
    return f"data/models/{run}/seed-{seed}/generator.safetensors"


def _trained_seeds(run: RunResult, seed: int | None, folder: Path) -> tuple[SeedResult, ...]:
    known = [result.seed for result in run.seeds]
    if seed is not None and seed not in known:
        listed = ", ".join(map(str, known))
        raise InputError(f"seed: expected one of run {run.name!r}, {listed}, found {seed}")
    chosen = [result for result in run.seeds if seed is None or result.seed == seed]
    trained = tuple(result for result in chosen if result.model)
    if not trained:
        path = folder / _weights_path(run.name, chosen[0].seed)
        raise InputError(f"{path.parent / 'config.json'}: expected a trained run, found no file")
    return trained


def _read_networks(path: Path, digest: Any) -> tuple[NetworkHeader, ...]:
    """The headers of an extractor file; empty where it is absent.

    Raises `InputError` where `digest` is given and the file's sha256 is another.
    """
    if not path.exists():
        return ()
    found = file_digest(path)
    if digest and digest != found:
        raise _changed_file(path, str(digest), found)
    return read_header(path).networks


def _changed_file(path: Path, expected: str, found: str) -> InputError:
    digests = f"expected the one of sha256 {expected[:12]}, which the run names, found {found[:12]}"
    return InputError(f"{path}: {digests}: restore it, or run the pipeline again")


def _read_evaluators(
    study: Study,
    run: RunResult,
    seeds: tuple[SeedResult, ...],
    extractor: tuple[NetworkHeader, ...],
) -> tuple[EvaluatorScores, ...]:
    """The scores of these seeds, for each evaluator that has any."""
    chosen = {result.seed for result in seeds}
    evaluators = []
    for evaluation in run.evaluations:
        if evaluation.scores is None:
            continue
        scored = evaluation.scores.seeds
        of_chosen = tuple(seed for seed in scored if seed.seed in chosen)
        if not of_chosen:
            continue
        path = study.folder / f"data/evaluators/{evaluation.evaluator}.safetensors"
        networks = _read_networks(path, evaluation.scores.evaluator_digest)
        evaluators.append(
            EvaluatorScores(
                scores=evaluation.scores.of_seeds(chosen),
                all_seeds=evaluation.scores if len(of_chosen) < len(scored) else None,
                real=study.real.get((evaluation.dataset, evaluation.evaluator)),
                networks=networks,
                matched=any(_same_weights(a, b) for a in networks for b in extractor),
            )
        )
    return tuple(evaluators)


def _same_weights(a: NetworkHeader, b: NetworkHeader) -> bool:
    """Whether two networks have the same weights, as far as their provenance tells."""
    if a.provenance.get("sha256") or b.provenance.get("sha256"):
        return bool(a.provenance.get("sha256") == b.provenance.get("sha256"))
    return bool(a.provenance) and (a.architecture, a.provenance) == (b.architecture, b.provenance)
