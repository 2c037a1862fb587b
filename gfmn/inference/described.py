"""What a study recorded of one run: read for its model card, and checked to belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfmn.common import parameters
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks.extractor_file import NetworkHeader, file_digest, read_header
from gfmn.reporting.reading import read_study
from gfmn.reporting.records import Model, RealScores, RunScores
from gfmn.reporting.results import ReportConfig, RunResult, SeedResult, Study

SECTIONS = ("runs", "evaluations", "references")


@dataclass(frozen=True)
class ScoredSpace:
    """A run's scores in an evaluator's features, and what stands beside them."""

    scores: RunScores  # of the seeds that are described
    others: RunScores | None  # of all seeds, where one of several is described
    real: RealScores | None  # of real images in the place of the run's
    networks: tuple[NetworkHeader, ...]  # the evaluator's; none where its file is not there
    trained_on: bool  # whether the run matches features of this very network

    @property
    def words(self) -> str:
        """The evaluator, and whether it is the one that FID is named after."""
        name, canonical = self.scores.evaluator, self.scores.canonical
        if canonical:
            return f"{name}, FID's own Inception"
        return f"{name} ({self.scores.architecture}, not FID's Inception)"


@dataclass(frozen=True)
class Described:
    """A run, or one seed of it, with everything that is known."""

    study: Study
    run: RunResult
    seeds: tuple[SeedResult, ...]  # trained ones, at least one
    model: Model  # the first one's; seeds do not differ in what they match
    extractor: tuple[NetworkHeader, ...]  # none where its file is not there
    spaces: tuple[ScoredSpace, ...]
    dataset: Mapping[str, Any]  # meta.json; empty where it is not there
    digests: Mapping[int, str]  # sha256 of each seed's weights
    seconds: float | None  # that the training of all seeds took

    @property
    def dataset_name(self) -> str:
        """Of the data set that it was trained on."""
        return str(self.model.statistics.get("dataset") or self.model.parameters.get("dataset"))


def read_run(folder: Path, name: str, seed: int | None = None) -> Described:
    """Read a run of a study's folder, all its trained seeds or one.

    Raises `InputError` for a run or a seed that is not there or not trained, and where an
    extractor, an evaluator or a data set is no longer the one that the run was made with.
    """
    params = parameters.read(folder / "params.yaml", SECTIONS)
    if name not in params["runs"]:
        expected = suggest(name, params["runs"])
        raise InputError(f"{folder / 'params.yaml'}: runs: no {name!r}; {expected}")
    of = {k: e for k, e in params["evaluations"].items() if _field(e, "run") == name}
    runs = {name: params["runs"][name]}
    config = ReportConfig(title=name, headline=name, tables={})
    study = read_study(folder, config, runs, of, params["references"])
    run = study.runs[name]
    seeds = _trained(run, seed, folder)
    model = next(result.model for result in seeds if result.model)
    source = folder / f"data/extractors/{model.statistics.get('extractor')}.safetensors"
    extractor = _networks(source, model.statistics.get("extractor_digest"))
    dataset = study.datasets.get(str(model.statistics.get("dataset")), {})
    digests = model.statistics.get("dataset_digest"), dataset.get("digest")
    if all(digests) and len(set(digests)) > 1:
        path = folder / f"data/prepared/{model.statistics['dataset']}/meta.json"
        raise _changed(path, *map(str, digests))
    places = {result.seed: folder / _weights(name, result.seed) for result in seeds}
    seconds = study.timings.get(f"train-{name}", {}).get("seconds")
    return Described(
        study=study,
        run=run,
        seeds=seeds,
        model=model,
        extractor=extractor,
        spaces=tuple(_spaces(study, run, seeds, extractor)),
        dataset=dataset,
        digests={one: file_digest(path) for one, path in places.items() if path.exists()},
        seconds=seconds if len(seeds) == len(run.seeds) else None,
    )


def _field(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, Mapping) else None


def _weights(run: str, seed: int) -> str:
    return f"data/models/{run}/seed-{seed}/generator.safetensors"


def _trained(run: RunResult, seed: int | None, folder: Path) -> tuple[SeedResult, ...]:
    known = [result.seed for result in run.seeds]
    if seed is not None and seed not in known:
        listed = ", ".join(map(str, known))
        raise InputError(f"seed: expected one of run {run.name!r}, {listed}, found {seed}")
    seeds = [result for result in run.seeds if seed is None or result.seed == seed]
    trained = tuple(result for result in seeds if result.model)
    if not trained:
        place = folder / _weights(run.name, seeds[0].seed)
        raise InputError(f"{place.parent / 'config.json'}: expected a trained run, found no file")
    return trained


def _networks(path: Path, digest: Any) -> tuple[NetworkHeader, ...]:
    """What a file of networks says of itself, if it is there and the one of that digest."""
    if not path.exists():
        return ()
    found = file_digest(path)
    if digest and digest != found:
        raise _changed(path, str(digest), found)
    return read_header(path).networks


def _changed(path: Path, expected: str, found: str) -> InputError:
    digests = f"expected the one of sha256 {expected[:12]}, which the run names, found {found[:12]}"
    return InputError(f"{path}: {digests}: restore it, or run the pipeline again")


def _spaces(
    study: Study,
    run: RunResult,
    seeds: tuple[SeedResult, ...],
    extractor: tuple[NetworkHeader, ...],
) -> list[ScoredSpace]:
    chosen = {result.seed for result in seeds}
    found = []
    for one in run.evaluations:
        scored = one.scores.seeds if one.scores else ()
        here = tuple(seed for seed in scored if seed.seed in chosen)
        if not one.scores or not here:
            continue
        path = study.folder / f"data/evaluators/{one.evaluator}.safetensors"
        networks = _networks(path, one.scores.evaluator_digest)
        found.append(
            ScoredSpace(
                scores=one.scores.model_copy(update={"seeds": here}),
                others=one.scores if len(here) < len(scored) else None,
                real=study.real.get((one.dataset, one.evaluator)),
                networks=networks,
                trained_on=any(_same(a, b) for a in networks for b in extractor),
            )
        )
    return found


def _same(one: NetworkHeader, other: NetworkHeader) -> bool:
    """Whether two networks have the same weights, as far as their provenance says."""
    first, second = one.provenance, other.provenance
    if first.get("sha256") or second.get("sha256"):
        return bool(first.get("sha256") == second.get("sha256"))
    return bool(first) and (one.architecture, first) == (other.architecture, second)
