"""A whole study's parameters, checked together before anything long runs."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gfmn import datasets
from gfmn.config import nearest
from gfmn.converters import FetchedEvaluator, FetchedNetwork
from gfmn.errors import InputError
from gfmn.extractor_file import Bundle
from gfmn.extractors import check_image_size, select_taps
from gfmn.generators import IMAGE_SIZES
from gfmn.metrics.reference import ReferenceConfig
from gfmn.networks import describe
from gfmn.pretraining import AutoencoderConfig
from gfmn.reporting.results import ReportConfig, check_report
from gfmn.sampling import SampleConfig
from gfmn.statistics import StatisticsConfig
from gfmn.training import TrainingConfig

SECTIONS = (
    *("root", "datasets", "extractors", "evaluators", "statistics", "references"),
    *("runs", "report"),
)
KINDS = ("fetched", "trained", "bundled")  # of extractors
NAME = re.compile(r"[a-z0-9_-]+")  # what DVC can address in a path and on the command line


class RunConfig(TrainingConfig):
    """One row of a table: how it is trained, sampled and scored."""

    evaluator: str
    sample: SampleConfig


@dataclass(frozen=True)
class Network:
    """What is known of a frozen network before its weights are there."""

    architecture: str
    taps: tuple[str, ...]
    trained_size: int | None  # the only image size that it takes, in pixels


def check(params: Mapping[str, Any], where: str) -> None:
    """Check every parameter of a study, and that the sections fit each other.

    `where` is the parameter file. Raises `InputError` for the first unknown or missing key, wrong
    type or impossible combination; needs no weights and no images.
    """
    _no_others(params, SECTIONS, where)
    sizes = {
        name: datasets.parse(data, path).image_size
        for name, data, path in _entries(params, "datasets", where)
    }
    extractors = _check_extractors(params, where, sizes)
    evaluators = {
        name: _taps(FetchedEvaluator.parse(data, path).architecture, path)
        for name, data, path in _entries(params, "evaluators", where)
    }
    measured = _check_statistics(params, where, sizes, extractors)
    references = set()
    for name, data, path in _entries(params, "references", where):
        reference = ReferenceConfig.parse(data, path)
        _known(reference.dataset, sizes, f"{path}.dataset")
        _known(reference.evaluator, evaluators, f"{path}.evaluator")
        references.add(_paired(name, reference.dataset, reference.evaluator, path))
    for _, data, path in _entries(params, "runs", where):
        run = RunConfig.parse(data, path)
        _known(run.dataset, sizes, f"{path}.dataset")
        _known(run.extractor, extractors, f"{path}.extractor")
        _known(run.evaluator, evaluators, f"{path}.evaluator")
        _known(f"{run.dataset}-{run.extractor}", measured, f"{path}: statistics")
        _known(f"{run.dataset}-{run.evaluator}", references, f"{path}: references")
        names = {name: network.taps for name, network in extractors[run.extractor].items()}
        select_taps(names, run.taps, f"{path}.taps")
        if sizes[run.dataset] not in IMAGE_SIZES:
            expected = f"a data set of {', '.join(map(str, IMAGE_SIZES))} px"
            found = f"{run.dataset!r} of {sizes[run.dataset]} px"
            raise InputError(f"{path}.dataset: expected {expected}, found {found}")
    runs = [name for name, _, _ in _entries(params, "runs", where)]
    check_report(
        ReportConfig.parse(params.get("report"), f"{where}: report"), runs, f"{where}: report"
    )


def _check_extractors(
    params: Mapping[str, Any], where: str, sizes: Mapping[str, int]
) -> dict[str, dict[str, Network]]:
    """Each extractor's networks by name."""
    kinds = params.get("extractors")
    if not isinstance(kinds, Mapping):
        raise InputError(f"{where}: extractors: expected a mapping, found {kinds!r}")
    _no_others(kinds, KINDS, f"{where}: extractors")
    found: dict[str, dict[str, Network]] = {}
    for kind in KINDS:
        for name, data, path in _entries(kinds, kind, f"{where}: extractors", "."):
            if name in found:
                raise InputError(f"{path}: expected a name of its own, found a second {name!r}")
            if kind == "fetched":
                architecture = FetchedNetwork.parse(data, path).architecture
                taps = _taps(architecture, path)
                found[name] = {name: Network(architecture, taps, None)}
            elif kind == "trained":
                trained = AutoencoderConfig.parse(data, path)
                size = sizes[_known(trained.dataset, sizes, f"{path}.dataset")]
                taps = _taps(trained.architecture, path, image_size=size)
                found[name] = {name: Network(trained.architecture, taps, size)}
            else:
                bundle = Bundle.parse(data, path)
                first = found[_known(bundle.first, found, f"{path}.first")]
                second = found[_known(bundle.second, found, f"{path}.second")]
                if twice := first.keys() & second.keys():
                    raise InputError(f"{path}: expected each network once, found {twice} twice")
                found[name] = first | second
    return found


def _check_statistics(
    params: Mapping[str, Any],
    where: str,
    sizes: Mapping[str, int],
    extractors: Mapping[str, Mapping[str, Network]],
) -> set[str]:
    measured = set()
    for name, data, path in _entries(params, "statistics", where):
        config = StatisticsConfig.parse(data, path)
        size = sizes[_known(config.dataset, sizes, f"{path}.dataset")]
        _known(config.extractor, extractors, f"{path}.extractor")
        for network in extractors[config.extractor].values():
            pair = f"{path}: extractor {config.extractor!r} on data set {config.dataset!r}"
            check_image_size(network.architecture, size, network.trained_size, pair)
        measured.add(_paired(name, config.dataset, config.extractor, path))
    return measured


def _taps(architecture: str, where: str, **arguments: int) -> tuple[str, ...]:
    """The taps of an architecture; an unknown one is an `InputError` at `where`."""
    try:
        return describe(architecture, **arguments).tap_names
    except InputError as error:
        raise InputError(f"{where}.architecture: {error}") from None


def _entries(
    params: Mapping[str, Any], section: str, where: str, joint: str = ": "
) -> Iterator[tuple[str, Any, str]]:
    """Name, parameters and path of each entry of a section."""
    entries = params.get(section)
    path = f"{where}{joint}{section}"
    if not isinstance(entries, Mapping):
        raise InputError(f"{path}: expected a mapping from names to parameters, found {entries!r}")
    for name, data in entries.items():
        if not NAME.fullmatch(str(name)):
            raise InputError(f"{path}: expected a name of a-z, 0-9, _ and -, found {name!r}")
        yield name, data, f"{path}.{name}"


def _no_others(data: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise InputError(f"{where}: {key}: unknown key; {nearest(str(key), known)}")


def _known(name: str, names: Collection[str], where: str) -> str:
    if name not in names:
        raise InputError(f"{where}: no {name!r}; {nearest(name, names)}")
    return name


def _paired(name: str, dataset: str, network: str, where: str) -> str:
    """An entry that joins a data set and a network bears the name of its file."""
    if name != f"{dataset}-{network}":
        raise InputError(f"{where}: expected the name {dataset}-{network}, found {name}")
    return name
