"""`gfmn status`: what of a study is there, and what its runs came to."""

import argparse
from pathlib import Path
from typing import Any

from gfmn.common import divergence, json_reader, parameters, paths
from gfmn.inference import options
from gfmn.inference.output import Result
from gfmn.study import check, stages, watch

SHOWN = ("fd_", "fid_", "recall_")  # beginnings of the names of scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = (
        "Say which stages are up to date, what each run came to, and whether its gap stalls, "
        "swings or collapses."
    )
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> Result:
    """A line a run and a line a warning, then the stages that `gfmn run` would build."""
    study: Path = arguments.study
    path = study / "params.yaml"
    checked = check(parameters.read(path), str(path))
    runs = {name: _run(study, name) for name in checked.trained}
    needs = stages.graph(study)
    changed = sorted(stages.to_build(study, checked, needs))
    width = max(map(len, runs), default=0)
    lines = []
    for name, facts in runs.items():
        lines.append(f"{name:{width}}  {_text(facts)}")
        for seed, one in facts["seeds"].items():
            subject = f"{'':{width}}  {seed}: the {one['subject']}"
            lines += [f"{subject} {text}" for text in one["warnings"]]
            lines += [f"{'':{width}}  {seed}: {one['collapsed']}"] if one["collapsed"] else []
        for seed, step in facts["diverged"].items():
            lines.append(f"{'':{width}}  seed-{seed}: diverged at step {step:,}")
    todo = f"to build: {', '.join(changed)}" if changed else "all stages are up to date"
    return Result("\n".join([*lines, todo]), {"runs": runs, "changed": changed})


def _run(study: Path, name: str) -> dict[str, Any]:
    """The last row of each seed's history and what it warns of, and the scores that there are."""
    seeds = {}
    for path in sorted((study / "reports/history" / name).glob("seed-*.tsv")):
        if rows := watch.read_history(path):
            step, last = rows[-1]
            judged = watch.judge(path)
            seeds[path.stem] = {
                "step": step,
                "loss": last["loss"],
                "gap": last.get("gap"),
                "diversity": last.get("diversity"),
                "trend": judged.trend,
                "subject": judged.subject,
                "warnings": [f"{one.kind}: {one.text}" for one in judged.warnings],
                "collapsed": _description(study, name, path.stem).get("collapsed"),
            }
    scores: dict[str, Any] = {}
    for path in sorted((study / "reports/metrics").glob(f"{name}-*.json")):
        scores |= json_reader.read(path, "scores")
    return {"seeds": seeds, "diverged": divergence.read(study, name), "scores": scores}


def _description(study: Path, run: str, seed: str) -> dict[str, Any]:
    path = study / paths.model(run) / seed / "config.json"
    return json_reader.read(path, "a generator's description") if path.is_file() else {}


def _text(facts: dict[str, Any]) -> str:
    if not facts["seeds"]:
        return "not trained"
    steps = ", ".join(f"{one['step']:,}" for one in facts["seeds"].values())
    gaps = [f"{one['gap']:.3g}" for one in facts["seeds"].values() if one["gap"] is not None]
    gap = f"; gap {', '.join(gaps)}" if gaps else ""
    found = (one["diversity"] for one in facts["seeds"].values())
    if diversities := [f"{diversity:.2g}" for diversity in found if diversity is not None]:
        gap = f"; diversity {', '.join(diversities)}"
    shown = (item for item in facts["scores"].items() if item[0].startswith(SHOWN))
    scores = ", ".join(f"{name} {value:.4g}" for name, value in shown)
    return f"{steps} updates{gap}; {scores or 'not scored'}"
