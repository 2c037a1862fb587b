"""What stands at the page's end: parameters, provenance and durations as text."""

import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from numbers import Real
from typing import Any

import pandas as pd

from gfmn.reporting.results import Study

PACKAGES = ("torch", "numpy", "safetensors")


def cell_text(value: Any) -> str:
    """A cell of a frame as text, empty where nothing is."""
    return "" if value is None or pd.isna(value) else plain(value)


def statement(study: Study) -> dict[str, str]:
    """The words that say what the scores are of: data, networks, steps, evaluators."""
    runs = list(study.runs.values())
    precisions = [run.model.precision for run in runs if run.model]
    networks = [name for names in precisions for name in names if name != "generator"]
    steps = [run.parameters.get("steps") for run in runs]
    return {
        "datasets": join(str(run.parameters.get("dataset")) for run in runs),
        "networks": join(networks or [str(run.parameters.get("extractor")) for run in runs]),
        "evaluators": join(str(run.parameters.get("evaluator")) for run in runs),
        "steps": f"{max((s for s in steps if isinstance(s, int)), default=0):,}",
    }


def join(words: Iterable[str]) -> str:
    """Distinct words as a list in a sentence."""
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} and {last}" if first else last


def _flat(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = plain(value)
    return flat


def plain(value: Any) -> str:
    """A parameter's value as text."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"


def parameters(study: Study) -> dict[str, Any]:
    """What differs between runs as a table's columns, what does not as pairs."""
    runs = {name: _flat(run.parameters) for name, run in study.runs.items()}
    keys = list(dict.fromkeys(key for row in runs.values() for key in row))
    differs = [key for key in keys if len({row.get(key) for row in runs.values()}) > 1]
    common = {key: next(iter(runs.values()))[key] for key in keys if key not in differs}
    rows = {name: [row.get(key, "") for key in differs] for name, row in runs.items()}
    return {"columns": differs, "rows": rows, "common": common}


def provenance(study: Study) -> list[tuple[str, str, dict[str, str]]]:
    """What each input was: its kind, its name, its facts."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, meta in study.datasets.items():
        facts = {k: plain(v) for k, v in meta.items() if isinstance(v, str | int | float)}
        found["Data set", name] = {k: v for k, v in facts.items() if k != "name"}
    for name, measured in study.trained.items():
        found["Trained here", name] = {k: plain(v) for k, v in measured.items()}
    for run in study.runs.values():
        if run.model:
            about = {k: v for k, v in run.model.statistics.items() if isinstance(v, str | int)}
            names = ("dataset", "extractor", "batchnorm")
            where = ", ".join(str(about.get(name)) for name in names)
            facts = {k: plain(v) for k, v in about.items() if k not in names}
            found.setdefault(("Statistics", where), facts)
            found.setdefault(("Precision", "of the networks"), {}).update(run.model.precision)
        if run.metrics:
            facts = {"digest": run.metrics.evaluator_digest}
            facts |= {"resize": f"{run.metrics.resize} px"} if run.metrics.resize else {}
            found.setdefault(("Evaluator", run.metrics.evaluator), facts)
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in PACKAGES}
    found["Software", f"{platform.system()}, {platform.machine()}"] = versions
    return [(kind, name, facts) for (kind, name), facts in sorted(found.items())]


def durations(study: Study) -> list[tuple[str, str, str]]:
    """Each stage's time, and what else its timing file says."""
    found = []
    for name, facts in study.timings.items():
        rest = [f"{k.replace('_', ' ')} {plain(v)}" for k, v in facts.items() if k != "seconds"]
        seconds = facts.get("seconds")
        text = duration(seconds) if isinstance(seconds, int | float) else ""
        found.append((name, text, ", ".join(rest)))
    return found


def duration(seconds: float) -> str:
    """Seconds as a reader says them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
