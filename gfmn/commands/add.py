"""`gfmn add`: a run, a data set, a network or an evaluator as new rows of params.yaml."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gfmn.common.arguments import Number
from gfmn.common.bounds import SIDE
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.runs import merged, run_row
from gfmn.inference import options
from gfmn.inference.output import Result
from gfmn.metrics.published import published_evaluators
from gfmn.networks.extractor_file import file_digest, only_network
from gfmn.sources.paths import row_of
from gfmn.study.edit import Editor, assignments, editing
from gfmn.study.profiles import published_networks
from gfmn.training.config import TrainingConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Add rows to params.yaml, and what belongs to them; nothing is built."
    parser.add_argument("kind", choices=sorted(KINDS), help="what to add")
    parser.add_argument("name", metavar="NAME", help="its name; a published one's, or a new one")
    words = "what a run has otherwise, where a data set's images are, or an evaluator's file"
    parser.add_argument("words", nargs="*", metavar="FIELD=VALUE, IMAGES or FILE", help=words)
    parser.add_argument("--like", metavar="RUN", help="the run that a new one begins as")
    text = "of a data set's images, in pixels"
    parser.add_argument("--size", type=Number(8, SIDE), default=32, help=text)
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Add it; returns which rows are new."""
    path: Path = arguments.study / "params.yaml"
    with editing(path) as editor:
        before = {section: set(rows) for section, rows in _sections(editor.tree).items()}
        KINDS[arguments.kind](editor, arguments)
        after = _sections(editor.tree)
    new = [
        f"{section}.{name}"
        for section, rows in after.items()
        for name in rows
        if name not in before.get(section, ())
    ]
    return Result(f"{path}: new: {', '.join(new)}", {"parameters": str(path), "new": new})


def _sections(tree: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The rows of each section, kinds of networks as sections of their own."""
    found: dict[str, Mapping[str, Any]] = {}
    for section, rows in tree.items():
        if section in ("extractors", "evaluators"):
            found |= {f"{section}.{kind}": dict(named) for kind, named in rows.items()}
        elif isinstance(rows, Mapping):
            found[section] = dict(rows)
    return found


def _add_run(editor: Editor, arguments: argparse.Namespace) -> None:
    name, params, where = arguments.name, editor.params, str(editor.path)
    _require_new(name, params.get("runs", {}), "run")
    like = arguments.like or next(iter(params.get("runs", {})), None)
    if like is None:
        raise InputError(f"{where}: runs: expected a run to begin with, found none")
    run_row(params, like, where, "runs")
    row = dict(params["runs"][like])
    for keys, value in assignments(arguments.words, "add run"):
        for key in reversed(keys[1:]):
            value = {key: value}
        both = isinstance(value, Mapping) and isinstance(row.get(keys[0]), Mapping)
        row[keys[0]] = merged(row[keys[0]], value) if both else value
    editor.set(("runs", name), row)
    whole = {**params, "runs": {**params["runs"], name: row}}
    run = TrainingConfig.parse(run_row(whole, name, where, "runs")[0], f"{where}: runs.{name}")
    statistics = f"{run.dataset}-{run.extractor}-{run.batchnorm}"
    if statistics not in params.get("statistics", {}):
        inputs = {"dataset": run.dataset, "extractor": run.extractor, "batchnorm": run.batchnorm}
        groups: dict[str, Any] = {group: {} for group in run.groups}
        editor.set(("statistics", statistics), {**inputs, "batch": 64, **groups})
    for reference in params.get("references", {}).values():
        if reference["dataset"] == run.dataset:
            _evaluate(editor, name, run.dataset, reference["evaluator"])


def _add_data(editor: Editor, arguments: argparse.Namespace) -> None:
    name, params = arguments.name, editor.params
    _require_new(name, params.get("datasets", {}), "data set")
    if len(arguments.words) != 1:
        raise InputError(f"add data: expected NAME IMAGES, found {len(arguments.words) + 1} words")
    row = row_of(arguments.words[0], "IMAGES") | {"image_size": arguments.size}
    if "path" in row:
        row["path"] = os.path.relpath(Path(row["path"]).expanduser(), editor.path.parent)
    editor.set(("datasets", name), row)
    for kind in params.get("evaluators", {}).values():
        for evaluator in kind:
            _refer(editor, name, evaluator)


def _add_network(editor: Editor, arguments: argparse.Namespace) -> None:
    published = published_networks()
    row = _known(arguments.name, published, "network")
    _require_new(arguments.name, editor.params.get("extractors", {}).get("fetched", {}), "network")
    editor.set(("extractors", "fetched", arguments.name), row)


def _add_evaluator(editor: Editor, arguments: argparse.Namespace) -> None:
    name, params = arguments.name, editor.params
    if arguments.words:
        row = _of_file(Path(arguments.words[0]).expanduser(), editor)
    else:
        row = {k: v for k, v in _known(name, published_evaluators(), "evaluator").items() if v}
        row["source"] = {key: value for key, value in row["source"].items() if value}
    _require_new(name, params.get("evaluators", {}).get("fetched", {}), "evaluator")
    editor.set(("evaluators", "fetched", name), row)
    for dataset in params.get("datasets", {}):
        _refer(editor, dataset, name)
    for run, row in params.get("runs", {}).items():
        _evaluate(editor, run, row["dataset"], name)


def _of_file(path: Path, editor: Editor) -> dict[str, Any]:
    """The row of an evaluator file, as `gfmn space` writes it."""
    header = only_network(path)
    source = {
        "kind": "file",
        "path": os.path.relpath(path, editor.path.parent),
        "sha256": file_digest(path),
        "license": str(header.provenance.get("license", "unknown")),
    }
    return {"architecture": header.architecture, "source": source}


def _refer(editor: Editor, dataset: str, evaluator: str) -> None:
    row = {"dataset": dataset, "evaluator": evaluator, "held_out": dataset}
    editor.set(("references", f"{dataset}-{evaluator}"), row)


def _evaluate(editor: Editor, run: str, dataset: str, evaluator: str) -> None:
    row = {"run": run, "dataset": dataset, "evaluator": evaluator}
    editor.set(("evaluations", f"{run}-{evaluator}"), row)


def _known(name: str, published: Mapping[str, Any], what: str) -> dict[str, Any]:
    if name not in published:
        raise InputError(f"NAME: no {what} {name!r}; {suggest(name, published)}")
    return dict(published[name])


def _require_new(name: str, rows: Mapping[str, Any], what: str) -> None:
    if name in rows:
        raise InputError(f"NAME: expected a new {what}, found {name!r}, which there is already")


KINDS = {
    "run": _add_run,
    "data": _add_data,
    "network": _add_network,
    "evaluator": _add_evaluator,
}
