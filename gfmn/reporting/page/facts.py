"""The page's end: what compares with the paper, parameters, provenance and durations, as text."""

import platform
from importlib import metadata
from typing import Any

import pandas as pd

from gfmn.reporting.caveats import collapsed_seeds
from gfmn.reporting.formatting import flatten, format_duration, format_value, join
from gfmn.reporting.records import RealScores, Scores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.notes import scoring_conditions

PACKAGES = ("torch", "numpy", "safetensors")


def comparability(study: Study) -> str:
    """Which numbers compare with the paper's, and why, in a few sentences."""
    runs = list(study.runs.values())
    files = {name: scores for name in study.evaluators if (scores := study.scores_in(name))}
    inception = [name for name, scores in files.items() if scores[0].canonical]
    others = [name for name in files if name not in inception]
    networks = [name for run in runs if run.model for name in run.model.precision]
    networks = [name for name in networks if name not in ("generator", "critic")]
    networks = networks or [str(run.parameters.get("extractor")) for run in runs]
    steps = [run.parameters.get("steps") for run in runs]
    text = (
        "FID and IS here compare with the paper’s as far as data set, number of images and resizer "
        f"agree: {scoring_conditions(one for name in inception for one in files[name])}. "
        if inception
        else "No number here can be compared with the paper’s; only the order of the rows can. "
    )
    text += (
        "The paper trains on CIFAR-10, matches features of VGG19 and ResNet18 networks that were "
        "pretrained on the whole of ImageNet, and scores 5,000 and 50,000 samples in the features "
        f"of Inception. Here the data are {join(run.dataset for run in runs)}, the matched "
        f"networks are {join(networks)}, and a run has at most "
        f"{max((n for n in steps if isinstance(n, int)), default=0):,} updates."
    )
    return f"{text} Scores are taken in the features of {join(others)}." if others else text


def parameter_table(study: Study) -> pd.DataFrame:
    """A row a run, a column a parameter in which any two runs differ, as text."""
    rows = {name: flatten(run.parameters) for name, run in study.runs.items()}
    frame = pd.DataFrame.from_dict(rows, orient="index").fillna("")
    return frame.loc[:, [key for key in frame if frame[key].nunique() > 1]]


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
            if "extractor" in statistics:  # none of a baseline, which reads the images themselves
                entries.setdefault(("Statistics", name), facts)
            entries.setdefault(("Precision", "of the networks"), {}).update(run.model.precision)
    for name, scores in study.score_files():
        space = entries.setdefault(("Evaluator", scores.evaluator), _evaluator(scores))
        if scores.in_domain:
            space["trained here on the data’s classes"] = "yes"
        settings = flatten(scores.settings)
        if settings and entries.setdefault(("Scores", scores.evaluator), settings) != settings:
            entries["Scores", name] = settings  # differ from the others in this space
        reference = ("Reference", f"{scores.dataset}, {scores.evaluator}")
        entries.setdefault(reference, {}).update(_reference(scores))
    entries["Samples", "of every run"] = flatten(study.sampling)
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
        "trained here on the data’s classes": "no",
    }


def _reference(scores: Scores) -> dict[str, str]:
    if isinstance(scores, RealScores):
        return {
            "real against real": f"{scores.n_real:,} against {scores.n_reference:,}",
            "held out": f"{scores.held_out.count:,} of {scores.held_out.dataset}",
            "which": scores.held_out.how,
        }
    return {"runs against": f"{scores.n_reference:,}"}


def costs(study: Study) -> pd.DataFrame:
    """By run that is trained: what its training took, and how many seeds collapsed or diverged."""
    rows: dict[str, dict[str, Any]] = {}
    some_diverged = any(run.diverged for run in study.runs.values())
    for name, run in study.runs.items():
        facts = study.timings.get(f"train-{name}", {})
        if run.model and facts:
            seeds, memory = len(run.seeds), facts.get("peak_mib")
            rows[name] = {
                "updates a second": format_value(facts["steps_per_second"]),
                "time a seed": format_duration(facts["seconds"] / facts["seeds"]),
                "memory": f"{memory:,} MiB" if memory else "",
                "collapsed": f"{len(collapsed_seeds(run))} of {seeds} seeds",
            }
            if some_diverged:
                rows[name]["diverged"] = f"{len(run.diverged)} of {seeds} seeds"
    return pd.DataFrame.from_dict(rows, orient="index")


def durations(study: Study) -> pd.DataFrame:
    """By stage: its duration, and the other facts in its timing file, as text."""
    rows: dict[str, dict[str, Any]] = {}
    for name, facts in study.timings.items():
        seconds = facts.get("seconds")
        others = (f"{k.replace('_', ' ')} {format_value(v)}" for k, v in facts.items())
        rows[name] = {
            "time": format_duration(seconds) if isinstance(seconds, int | float) else "",
            "facts": ", ".join(text for text in others if not text.startswith("seconds ")),
        }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["time", "facts"])
