"""`gfmn status`: what of a study is there, and what its runs came to."""

import argparse
import json
from pathlib import Path
from typing import Any

from gfmn.common import json_reader, parameters
from gfmn.common.errors import InputError
from gfmn.inference import options
from gfmn.study import check
from gfmn.study.pipeline import dvc

SHOWN = ("fd_", "fid_", "recall_")  # beginnings of the names of scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Say which stages are up to date, and what each run came to."
    options.add_study(parser)
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def run(arguments: argparse.Namespace) -> str:
    """A line a run, then the stages that `gfmn run` would build."""
    study: Path = arguments.study
    path = study / "params.yaml"
    runs = {name: _run(study, name) for name in check(parameters.read(path), str(path)).runs}
    answer = dvc(["status", "--json"], study, capture_output=True)
    if answer.returncode:
        raise InputError(f"{study / 'dvc.yaml'}: {' '.join(answer.stderr.split()):.300}")
    changed = sorted(json_reader.loads(answer.stdout))
    if arguments.json:
        return json.dumps({"runs": runs, "changed": changed}, indent=2)
    width = max(map(len, runs), default=0)
    lines = [f"{name:{width}}  {_text(facts)}" for name, facts in runs.items()]
    todo = f"to build: {', '.join(changed)}" if changed else "all stages are up to date"
    return "\n".join([*lines, todo])


def _run(study: Path, name: str) -> dict[str, Any]:
    """The last line of each seed's history, and the scores that there are."""
    seeds = {}
    for path in sorted((study / "reports/history" / name).glob("seed-*.tsv")):
        header, *rows = path.read_text().splitlines()
        if rows:
            last = dict(zip(header.split("\t"), rows[-1].split("\t"), strict=True))
            seeds[path.stem] = {"step": int(last["step"]), "loss": float(last["loss"])}
    scores: dict[str, Any] = {}
    for path in sorted((study / "reports/metrics").glob(f"{name}-*.json")):
        scores |= json_reader.read(path, "scores")
    return {"seeds": seeds, "scores": scores}


def _text(facts: dict[str, Any]) -> str:
    if not facts["seeds"]:
        return "not trained"
    steps = ", ".join(f"{one['step']:,}" for one in facts["seeds"].values())
    shown = (item for item in facts["scores"].items() if item[0].startswith(SHOWN))
    scores = ", ".join(f"{name} {value:.4g}" for name, value in shown)
    return f"{steps} updates; {scores or 'not scored'}"
