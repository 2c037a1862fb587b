"""The stages of a study: which need which, and which of them are still to be built."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gfmn.common import json_reader, paths
from gfmn.common.errors import InputError
from gfmn.study import Study
from gfmn.study.pipeline import CODE, code_version, dvc

Graph = Mapping[str, frozenset[str]]  # by stage: those that it needs

NODE = re.compile(r'^\s*"([^"]+)";$', re.MULTILINE)
EDGE = re.compile(r'^\s*"([^"]+)" -> "([^"]+)";$', re.MULTILINE)
CHECK = "check-params"  # every other stage needs it, and few change where it has run
ROWS = {  # the stage that a row of parameters belongs to
    "runs": "train",
    "baselines": "train-baseline",
    "datasets": "prepare",
    "statistics": "extract-stats",
    "references": "reference",
    "evaluations": "evaluate",
    "snapshots": "evaluate-snapshots",
    "extractors/fetched": "fetch-extractor",
    "extractors/trained": "pretrain-extractor",
    "extractors/with_batchnorm": "insert-batchnorm",
    "extractors/combined": "combine-extractors",
    "evaluators/fetched": "fetch-evaluator",
    "evaluators/from_extractor": "evaluator-from-extractor",
}


def graph(folder: Path, targets: Iterable[str] = ()) -> dict[str, frozenset[str]]:
    """Each of the targets and what they need; of all stages without targets."""
    text = _answer(folder, "dag", "--dot")  # it takes one target at most
    needs: dict[str, set[str]] = {name: set() for name in NODE.findall(text)}
    for needed, stage in EDGE.findall(text):
        needs.setdefault(needed, set())
        needs.setdefault(stage, set()).add(needed)
    needs = {stage: needed for stage, needed in needs.items() if ":" not in stage}  # other studies'
    found, waiting = set[str](), {*targets} or {*needs}
    while waiting:
        found |= waiting
        waiting = set().union(*(needs[stage] for stage in waiting)) - found
    return {stage: frozenset(needed) for stage, needed in needs.items() if stage in found}


def targets(params: Mapping[str, Any], runs: Sequence[str]) -> list[str]:
    """The stages that score these runs; none, which stands for all stages, of no run."""
    found = []
    for section, stage in (("evaluations", "evaluate"), ("snapshots", "evaluate-snapshots")):
        rows = params.get(section, {}).items()
        found += [f"{stage}@{key}" for key, row in rows if row["run"] in runs]
    baselines = params.get("baselines", {})
    kinds = {name: "sample-baseline" if name in baselines else "sample" for name in runs}
    return found + [f"{kind}@{name}" for name, kind in kinds.items()]


def to_build(folder: Path, study: Study, needs: Graph) -> set[str]:
    """The stages of a graph that have changed, and those that need one of them.

    Parameters are compared with those that the last check wrote out: DVC sees them only after the
    next one. So with the version of the code in an installed study.
    """
    code = folder / CODE
    if code.is_file() and code.read_text() != code_version():
        return {*needs}
    found = {*json_reader.loads(_answer(folder, "status", "--json"))} & needs.keys()
    for name, values in study.dependencies().items():
        file = folder / paths.parameters(name)
        if not file.is_file() or json_reader.read(file) != _plain(values):
            found |= _stages_of(name, needs)
    checked = CHECK in found
    found.discard(CHECK)
    while more := {stage for stage in needs.keys() - found if needs[stage] & found}:
        found |= more
    return found | {CHECK} if checked else found


def _stages_of(name: str, needs: Graph) -> set[str]:
    """The stages that read a file of check-params."""
    if name == "metrics":
        return {stage for stage in needs if stage.startswith(("reference@", "evaluate@"))}
    section, _, row = name.rpartition("/")
    if section == "sampling":  # samples, and scores of snapshots
        trained = {f"train@{row}", f"train-baseline@{row}"}
        return {stage for stage, needed in needs.items() if trained & needed}
    return {f"{ROWS[section]}@{row}"} & needs.keys() if section in ROWS else {name} & needs.keys()


def _plain(values: Any) -> Any:
    return json.loads(json.dumps(values))


def _answer(folder: Path, *words: str) -> str:
    answer = dvc(words, folder, capture_output=True)
    if answer.returncode:
        raise InputError(f"{folder / 'dvc.yaml'}: {' '.join(answer.stderr.split()):.300}")
    return str(answer.stdout)
