"""The page's end: parameters, the provenance of every input, and durations, as text."""

import platform
from importlib import metadata
from typing import Any

from gfmn.reporting.formatting import flatten, format_duration, format_value
from gfmn.reporting.records import RealScores, Scores
from gfmn.reporting.results import Study

PACKAGES = ("torch", "numpy", "safetensors")


def parameter_table(study: Study) -> dict[str, Any]:
    """Parameters that differ between runs as a table's columns, others as pairs."""
    runs = {name: flatten(run.parameters) for name, run in study.runs.items()}
    keys = list(dict.fromkeys(key for row in runs.values() for key in row))
    columns = [key for key in keys if len({row.get(key) for row in runs.values()}) > 1]
    common = {key: next(iter(runs.values()))[key] for key in keys if key not in columns}
    rows = {name: [row.get(key, "") for key in columns] for name, row in runs.items()}
    sampling = flatten(study.sampling, "sampling.")
    return {"columns": columns, "rows": rows, "common": common | sampling}


def provenance(study: Study) -> list[tuple[str, str, dict[str, str]]]:
    """Kind, name and facts of each input."""
    entries: dict[tuple[str, str], dict[str, str]] = {}
    for name, meta in study.datasets.items():
        facts = {k: format_value(v) for k, v in meta.items() if isinstance(v, str | int | float)}
        entries["Data set", name] = {k: v for k, v in facts.items() if k != "name"}
    for name, metrics in study.trained.items():
        entries["Trained here", name] = {k: format_value(v) for k, v in metrics.items()}
    for run in study.runs.values():
        if run.model:
            statistics = {k: v for k, v in run.model.statistics.items() if isinstance(v, str | int)}
            identity = ("dataset", "extractor", "batchnorm")
            name = ", ".join(str(statistics.get(key)) for key in identity)
            facts = {k: format_value(v) for k, v in statistics.items() if k not in identity}
            entries.setdefault(("Statistics", name), facts)
            entries.setdefault(("Precision", "of the networks"), {}).update(run.model.precision)
    for name, scores in study.score_files():
        entries.setdefault(("Evaluator", scores.evaluator), _evaluator(scores))
        settings = flatten(scores.settings)
        if settings and entries.setdefault(("Scores", scores.evaluator), settings) != settings:
            entries["Scores", name] = settings  # differ from the others in this space
        reference = ("Reference", f"{scores.dataset}, {scores.evaluator}")
        entries.setdefault(reference, {}).update(_reference(scores))
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in PACKAGES}
    entries["Software", f"{platform.system()}, {platform.machine()}"] = versions
    return [(kind, name, facts) for (kind, name), facts in sorted(entries.items())]


def _evaluator(scores: Scores) -> dict[str, str]:
    return {
        "digest": scores.evaluator_digest,
        "architecture": scores.architecture,
        "resizer": scores.resizer,
        "FID’s own Inception": "yes" if scores.canonical else "no",
        "trained here on the data’s classes": "yes" if scores.in_domain else "no",
    }


def _reference(scores: Scores) -> dict[str, str]:
    if isinstance(scores, RealScores):
        return {
            "real against real": f"{scores.n_real:,} against {scores.n_reference:,}",
            "held out": f"{scores.held_out.count:,} of {scores.held_out.dataset}",
            "which": scores.held_out.how,
        }
    return {"runs against": f"{scores.n_reference:,}"}


def durations(study: Study) -> list[tuple[str, str, str]]:
    """Each stage's name, its duration, and the other facts in its timing file."""
    rows = []
    for name, facts in study.timings.items():
        others = [
            f"{k.replace('_', ' ')} {format_value(v)}" for k, v in facts.items() if k != "seconds"
        ]
        seconds = facts.get("seconds")
        text = format_duration(seconds) if isinstance(seconds, int | float) else ""
        rows.append((name, text, ", ".join(others)))
    return rows
