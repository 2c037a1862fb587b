"""A whole study's parameters, checked together before anything long runs."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gfmn import sources
from gfmn.baselines import BaselineConfig
from gfmn.common import stage
from gfmn.common.errors import InputError
from gfmn.common.runs import run_row
from gfmn.common.sections import check_keys, check_name, entries, known
from gfmn.common.text import shareable
from gfmn.features.extractor import check_image_size, select_taps
from gfmn.features.statistics import StatisticsConfig
from gfmn.generators import IMAGE_SIZES
from gfmn.generators.sampling import SamplingConfig
from gfmn.metrics.config import EvaluationConfig, MetricsConfig, ReferenceConfig, SnapshotsConfig
from gfmn.reporting.config import ReportConfig, check_report
from gfmn.study.baselines import check_baselines
from gfmn.study.networks import Extractors, Network, Sizes, check_evaluators, check_extractors
from gfmn.training.config import TrainingConfig

SECTIONS = (  # all but `root` may be left out
    *("root", "datasets", "extractors", "evaluators", "statistics", "references"),
    *("defaults", "runs", "baseline_defaults", "baselines", "sampling", "metrics", "evaluations"),
    *("snapshots", "report"),
)
REPORTED = (  # and the runs
    *("evaluations", "snapshots", "references", "extractors", "evaluators", "report", "sampling"),
    "defaults",
)
ROWS = ("datasets", "statistics", "references", "evaluations", "snapshots")
INPUTS = ("dataset", "extractor", "batchnorm", "decoder")  # dvc.yaml reads them in a run's row
FILES = ("extractor-", "reference-", "snapshots-")  # begin the names of metrics of another kind
FEWEST_SNAPSHOTS = 3  # that can be ranked: the ranks of two always agree or disagree


Runs = Mapping[str, TrainingConfig | BaselineConfig]


@dataclass(frozen=True)
class Study:
    """A checked parameter file: what its runs, samples, scores and report depend on."""

    runs: Mapping[str, TrainingConfig]
    baselines: Mapping[str, BaselineConfig]
    sampling: SamplingConfig
    metrics: MetricsConfig
    report: dict[str, Any]  # the sections that the report reads, runs complete
    rows: dict[str, Any]  # of all other sections, by path

    @property
    def trained(self) -> dict[str, TrainingConfig | BaselineConfig]:
        """Runs and baselines by name: all that has a generator."""
        return {**self.runs, **self.baselines}

    def dependencies(self) -> dict[str, dict[str, Any]]:
        """By name of a file, what must change for DVC to run a stage again: JSON values.

        A run's file has nothing of objectives that it does not use, and nothing of how often it
        logs: a change of those trains nothing anew.
        """
        runs = {name: run.effective() for name, run in self.runs.items()}
        others = {name: baseline.effective() for name, baseline in self.baselines.items()}
        used = {key for run in runs.values() for key in run}  # not log_every, unused objectives
        defaults = {key: v for key, v in self.report["defaults"].items() if key in used}
        return {
            **self.rows,
            **{f"runs/{name}": values for name, values in runs.items()},
            **{f"baselines/{name}": values for name, values in others.items()},
            **{
                f"sampling/{name}": self.sampling.of(name).model_dump(mode="json")
                for name in self.trained
            },
            "metrics": self.metrics.model_dump(mode="json"),
            "report": {**self.report, "runs": runs | others, "defaults": defaults},
        }


def check(params: Mapping[str, Any], where: str) -> Study:
    """Check every parameter of a study, and that the sections fit each other.

    `where` is the parameter file. Raises `InputError` for the first unknown or missing key, wrong
    type or impossible combination; needs no weights and no images.
    """
    check_keys(params, SECTIONS, where)
    stage.check_root(params.get("root"), where)
    sizes = {
        name: sources.parse(data, path).image_size
        for name, data, path in entries(params, "datasets", where)
    }
    extractors = check_extractors(params, where, sizes)
    evaluators = check_evaluators(params, where, extractors)
    measured = _check_statistics(params, where, sizes, extractors)
    references = _check_references(params, where, sizes, evaluators)
    runs = _check_runs(params, where, sizes, extractors, measured)
    baselines = check_baselines(params, where, sizes, extractors, runs)
    trained: Runs = {**runs, **baselines}
    sampling = SamplingConfig.parse(params.get("sampling", {}), f"{where}: sampling")
    for name in sampling.counts:
        known(name, trained, f"{where}: sampling.counts")
    metrics = MetricsConfig.parse(params.get("metrics", {}), f"{where}: metrics")
    _check_evaluations(params, where, trained, sizes, references)
    _check_snapshots(params, where, trained, references)
    if "report" in params:
        path = f"{where}: report"
        check_report(ReportConfig.parse(params["report"], path), trained, path)
    report = {key: params.get(key, {}) for key in REPORTED}
    for section in ("extractors", "evaluators"):
        report[section] = shareable(report[section])
    return Study(runs, baselines, sampling, metrics, report, dict(_rows(params)))


def _rows(params: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every row that is a stage's parameters, by its path with slashes."""
    for section in ROWS:
        for name, row in params.get(section, {}).items():
            yield f"{section}/{name}", shareable(row)
    for section in ("extractors", "evaluators"):
        for kind, rows in params.get(section, {}).items():
            for name, row in rows.items():
                yield f"{section}/{kind}/{name}", shareable(row)


def _check_runs(
    params: Mapping[str, Any],
    where: str,
    sizes: Sizes,
    extractors: Extractors,
    measured: Mapping[str, StatisticsConfig],
) -> dict[str, TrainingConfig]:
    _check_defaults(params.get("defaults", {}), f"{where}: defaults")
    runs: dict[str, TrainingConfig] = {}
    for name, data, _ in entries(params, "runs", where):
        row, path = run_row(params, name, where, "runs")
        for key in INPUTS:
            if key not in data:
                raise InputError(f"{path}.{key}: required in every run's row, found nothing")
        run = runs[name] = TrainingConfig.parse(row, path)
        known(run.dataset, sizes, f"{path}.dataset")
        known(run.extractor, extractors, f"{path}.extractor")
        needed = f"{run.dataset}-{run.extractor}-{run.batchnorm}"
        _check_groups(run, needed, measured[known(needed, measured, f"{path}: statistics")], path)
        _check_run(run, extractors, sizes, path)
    return runs


def _check_groups(run: TrainingConfig, name: str, statistics: StatisticsConfig, path: str) -> None:
    """Whether the statistics have what the run's objectives need."""
    for group, objective in run.groups.items():
        if getattr(statistics, group) is None:
            expected = f"statistics.{name}.{group}, which the objective {objective!r} needs"
            raise InputError(f"{path}: expected {expected}, found none")
    if run.groups and run.conditional != (statistics.class_weight > 0):
        expected = str(not run.conditional).lower()
        found = f"statistics.{name}.class_weight of {statistics.class_weight:g}"
        raise InputError(f"{path}.conditional: expected {expected} with {found}")


def _check_defaults(defaults: Any, where: str) -> None:
    """Refuse a wrong value by its own path, not by that of the first run that inherits it."""
    if not isinstance(defaults, Mapping):
        raise InputError(f"{where}: expected a mapping of parameters, found {defaults!r:.60}")
    for key in INPUTS:
        if key in defaults:
            raise InputError(f"{where}.{key}: expected in every run's row, found here")
    # Steps enough for any number of snapshots.
    TrainingConfig.parse({"dataset": "any", "extractor": "any", "steps": 10**9, **defaults}, where)


def _check_references(
    params: Mapping[str, Any], where: str, sizes: Sizes, evaluators: Mapping[str, Network]
) -> set[str]:
    references = set()
    for name, data, path in entries(params, "references", where):
        config = ReferenceConfig.parse(data, path)
        size = sizes[known(config.dataset, sizes, f"{path}.dataset")]
        other = sizes[known(config.held_out, sizes, f"{path}.held_out")]
        if size != other:
            found = f"{config.held_out!r} of {other} px"
            raise InputError(f"{path}.held_out: expected images of {size} px, found {found}")
        network = evaluators[known(config.evaluator, evaluators, f"{path}.evaluator")]
        pair = f"{path}: evaluator {config.evaluator!r} on data set {config.dataset!r}"
        check_image_size(network.description, size, network.trained_size, pair)
        references.add(check_name(name, f"{config.dataset}-{config.evaluator}", path))
    return references


def _check_evaluations(
    params: Mapping[str, Any], where: str, runs: Runs, sizes: Sizes, references: Collection[str]
) -> None:
    for name, data, path in entries(params, "evaluations", where):
        config = EvaluationConfig.parse(data, path)
        run = runs[known(config.run, runs, f"{path}.run")]
        known(config.dataset, sizes, f"{path}.dataset")
        if sizes[run.dataset] != sizes[config.dataset]:
            found = f"{config.dataset!r} of {sizes[config.dataset]} px"
            expected = f"images of {sizes[run.dataset]} px, as the run's"
            raise InputError(f"{path}.dataset: expected {expected}, found {found}")
        known(f"{config.dataset}-{config.evaluator}", references, f"{path}: references")
        # Against other real images than the run's own, the name says which.
        other = "" if config.dataset == run.dataset else f"{config.dataset}-"
        check_name(name, f"{config.run}-{other}{config.evaluator}", path)
        if name.startswith(FILES):
            raise InputError(f"{path}: expected a name that begins otherwise, found {name!r}")


def _check_snapshots(
    params: Mapping[str, Any], where: str, runs: Runs, references: Collection[str]
) -> None:
    for name, data, path in entries(params, "snapshots", where):
        config = SnapshotsConfig.parse(data, path)
        run = runs[known(config.run, runs, f"{path}.run")]
        if run.snapshots < FEWEST_SNAPSHOTS:
            found = f"{config.run!r} of {run.snapshots}"
            expected = f"a run of {FEWEST_SNAPSHOTS} snapshots or more"
            raise InputError(f"{path}.run: expected {expected}, found {found}")
        if config.dataset != run.dataset:
            found = f"{run.dataset!r}, which the run is trained on, found {config.dataset!r}"
            raise InputError(f"{path}.dataset: expected {found}")
        known(f"{config.dataset}-{config.evaluator}", references, f"{path}: references")
        check_name(name, f"{config.run}-{config.evaluator}", path)


def _check_run(run: TrainingConfig, extractors: Extractors, sizes: Sizes, path: str) -> None:
    """Whether its taps, weights, image size and decoder are there."""
    networks = extractors[run.extractor]
    names = {name: network.description.tap_names for name, network in networks.items()}
    used = [name for name, taps in select_taps(names, run.taps, f"{path}.taps").items() if taps]
    for name in run.weights:
        known(name, used, f"{path}.weights")
    if not any(run.weights.get(name, 1) for name in used):
        expected = "at least one network of a weight above 0"
        raise InputError(f"{path}.weights: expected {expected}, found {run.weights}")
    size = sizes[run.dataset]
    if size not in IMAGE_SIZES:
        expected = f"a data set of {', '.join(map(str, IMAGE_SIZES))} px"
        raise InputError(f"{path}.dataset: expected {expected}, found {run.dataset!r} of {size} px")
    if run.decoder == "none":
        return
    decoders = {
        name: network
        for name, parts in extractors.items()
        for part, network in parts.items()
        if part == name and network.decoder is not None
    }
    source = decoders[known(run.decoder, ["none", *decoders], f"{path}.decoder")]
    assert source.decoder is not None
    made = (source.decoder.decoder, source.decoder.latent, source.trained_size)
    if made != (run.generator, run.latent, size):
        found = "{}, latent {}, {} px".format(*made)
        expected = f"{run.generator}, latent {run.latent}, {size} px, as the run has"
        raise InputError(f"{path}.decoder: expected {expected}, found {run.decoder!r}: {found}")


def _check_statistics(
    params: Mapping[str, Any], where: str, sizes: Sizes, extractors: Extractors
) -> dict[str, StatisticsConfig]:
    measured = {}
    for name, data, path in entries(params, "statistics", where):
        config = StatisticsConfig.parse(data, path)
        size = sizes[known(config.dataset, sizes, f"{path}.dataset")]
        known(config.extractor, extractors, f"{path}.extractor")
        for network in extractors[config.extractor].values():
            pair = f"{path}: extractor {config.extractor!r} on data set {config.dataset!r}"
            check_image_size(network.description, size, network.trained_size, pair)
        parts = (config.dataset, config.extractor, config.batchnorm)
        measured[check_name(name, "-".join(parts), path)] = config
        if config.copies is not None and config.copies.shift >= size:
            found = f"found {config.copies.shift}"
            raise InputError(f"{path}.copies.shift: expected less than {size} px, {found}")
    return measured
