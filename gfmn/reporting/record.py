"""What stands at the page's end: parameters, provenance and durations as text."""

import platform
from collections.abc import Mapping
from importlib import metadata
from numbers import Real
from typing import Any

from gfmn.reporting.footnotes import conditions, join
from gfmn.reporting.records import RealScores, Scores
from gfmn.reporting.results import Study

PACKAGES = ("torch", "numpy", "safetensors")


def statement(study: Study) -> tuple[str, str]:
    """What compares with the paper's numbers, in one sentence; then what the scores are of."""
    runs = list(study.runs.values())
    precisions = [run.model.precision for run in runs if run.model]
    networks = [name for names in precisions for name in names if name != "generator"]
    steps = [run.parameters.get("steps") for run in runs]
    most = max((s for s in steps if isinstance(s, int)), default=0)
    text = (
        "The paper trains on CIFAR-10, matches features of VGG19 and ResNet18 networks that were "
        "pretrained on the whole of ImageNet, and scores 5,000 and 50,000 samples in the space of "
        f"Inception. Here the data are {join(str(run.parameters.get('dataset')) for run in runs)}, "
        "the matched networks "
        f"{join(networks or [str(run.parameters.get('extractor')) for run in runs])}, and a run "
        f"has at most {most:,} updates."
    )
    spaces = {name: found for name in study.evaluators if (found := study.in_space(name))}
    own = [name for name, scores in spaces.items() if scores[0].canonical]
    others = [name for name in spaces if name not in own]
    only = f"in the space of {join(others)}" if others else ""
    if not own:
        none = f"The scores are taken {only}: none of them is an FID or an Inception score."
        return (
            "No number here can be compared with the paper’s in absolute terms; only the order of "
            "the rows can.",
            f"{text} {none if others else 'There are no scores yet.'}",
        )
    here = conditions(one for name in own for one in spaces[name])
    agree = "as far as data set, number of images and resizer agree"
    text += f" FID, IS and KID are taken in FID’s own Inception: {here}."
    if not others:
        return f"FID and IS here compare with the paper’s {agree}.", text
    return (
        f"FID and IS here compare with the paper’s {agree}; of all other scores only the order of "
        "the rows does.",
        f"{text} The others are taken {only}.",
    )


def flat(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as text by dotted names."""
    found: dict[str, str] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = plain(value)
    return found


def plain(value: Any) -> str:
    """A parameter's value as text."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{value:g}" if isinstance(value, float) else f"{value:,}"


def parameters(study: Study) -> dict[str, Any]:
    """What differs between runs as a table's columns, what does not as pairs."""
    runs = {name: flat(run.parameters) for name, run in study.runs.items()}
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
    for file, scores in study.files():
        found.setdefault(("Evaluator", scores.evaluator), _evaluator(scores))
        settings = flat(scores.settings)
        if settings and found.setdefault(("Scores", scores.evaluator), settings) != settings:
            found["Scores", file] = settings  # made otherwise than the others in this space
        place = ("Reference", f"{scores.dataset}, {scores.evaluator}")
        found.setdefault(place, {}).update(_reference(scores))
    versions = {"python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in PACKAGES}
    found["Software", f"{platform.system()}, {platform.machine()}"] = versions
    return [(kind, name, facts) for (kind, name), facts in sorted(found.items())]


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
            "how": scores.held_out.how,
        }
    return {"runs against": f"{scores.n_reference:,}"}


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
