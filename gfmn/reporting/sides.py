"""One side of a comparison: a study's folder, or a git revision of one, with all its scores."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from gfmn.common import parameters
from gfmn.common.errors import InputError
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig
from gfmn.reporting.summary import LONG, every_score

PARAMS = "params.yaml"
SCORES = "reports/tables/scores.parquet"
SECTIONS = ("runs", "evaluations", "references", "extractors", "evaluators")
NEEDED = ("run", "seed", "dataset", "evaluator", "evaluator_digest", "metric", "value")


@dataclass(frozen=True)
class Side:
    """A study's runs with their parameters, and its scores, one row a run, seed and metric."""

    label: str  # as it was asked for
    runs: Mapping[str, Mapping[str, Any]]
    scores: pd.DataFrame
    status: Mapping[str, str]  # of each run, where the folder says it


def read_side(words: str) -> Side:
    """`FOLDER`, or `FOLDER@REVISION` for what git has of it there.

    A revision is a commit, a branch, a tag or the name of a DVC experiment. Of it, and of a folder
    without `data/scores`, the report's file of all scores is read. Raises `InputError`.
    """
    folder, at, revision = words.rpartition("@")
    if Path(words).is_dir() or not at:
        return _read_folder(Path(words), words)
    if not Path(folder or ".").is_dir():
        raise InputError(f"{words}: expected a folder before '@', found none")
    commit = _commit(Path(folder or "."), revision, words)
    content = _shown(Path(folder or "."), commit, PARAMS, words)
    params = parameters.parse(content, f"{words}: {PARAMS}", SECTIONS)
    content = _shown(Path(folder or "."), commit, SCORES, words)
    return Side(words, params["runs"], _frame(content, f"{words}: {SCORES}"), {})


def _read_folder(folder: Path, label: str) -> Side:
    path = folder / PARAMS
    if not path.is_file():
        raise InputError(f"{label}: expected a study's folder with {PARAMS}, found none")
    params = parameters.read(path, SECTIONS)
    config = ReportConfig.parse(params.get("report"), f"{path}: report")
    study = read_study(folder, config, **{name: params[name] for name in SECTIONS})
    scores = every_score(study)
    if scores.empty and (folder / SCORES).is_file():
        scores = _frame((folder / SCORES).read_bytes(), str(folder / SCORES))
    if scores.empty:
        raise InputError(f"{label}: expected scores in data/scores or {SCORES}, found none")
    status = {name: run.status for name, run in study.runs.items()}
    return Side(label, params["runs"], scores, status)


def _frame(content: bytes, where: str) -> pd.DataFrame:
    """All scores, with every column of this version's; what an older file lacks is NA."""
    try:
        frame = pd.read_parquet(BytesIO(content))
    except (pyarrow.ArrowException, ValueError, OSError) as error:
        said = " ".join(str(error).split())[:80]
        raise InputError(
            f"{where}: expected parquet, found another or a broken file ({said})"
        ) from None
    for column in NEEDED:
        if column not in frame:
            found = ", ".join(map(str, frame.columns))
            raise InputError(f"{where}: expected a column {column!r}, found {found:.120}")
    if frame.empty:
        raise InputError(f"{where}: expected scores, found no row")
    absent = {key: pd.Series(pd.NA, frame.index, dtype) for key, dtype in LONG.items()}
    return frame.assign(**{key: one for key, one in absent.items() if key not in frame})


def _commit(folder: Path, revision: str, label: str) -> str:
    """The commit that a revision names; of a DVC experiment's name, the experiment's."""
    experiments = _git(folder, "for-each-ref", "--format=%(refname)", "refs/exps") or b""
    named = [ref for ref in experiments.decode().split() if ref.rpartition("/")[2] == revision]
    if len(named) > 1:
        raise InputError(f"{label}: expected one experiment of that name, found {len(named)}")
    for name in (revision, *named):
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found := _git(folder, *words):
            return found.decode().strip()
    raise InputError(f"{label}: expected a revision or an experiment after '@', found neither")


def _shown(folder: Path, commit: str, name: str, label: str) -> bytes:
    content = _git(folder, "show", f"{commit}:./{name}")
    if content is None:
        raise InputError(f"{label}: expected {name} at that revision, found none")
    return content


def _git(folder: Path, *words: str) -> bytes | None:
    """What git prints; None where it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True)
    except FileNotFoundError:
        raise InputError("expected git for a revision, found no such program") from None
    return done.stdout if done.returncode == 0 else None
