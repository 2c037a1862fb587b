"""One of two studies that are compared: a study's folder, or a git revision of one."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gfmn.common import parameters, parquet_files
from gfmn.common.errors import InputError
from gfmn.common.regular_files import one_line
from gfmn.common.runs import run_rows
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.frames import SCORES, all_scores

PARAMS = "params.yaml"
FILE = "reports/tables/scores.parquet"
SECTIONS = ("evaluations", "references", "extractors", "evaluators")
REQUIRED = ("run", "seed", "dataset", "evaluator", "evaluator_digest", "metric", "value")


@dataclass(frozen=True)
class ComparedStudy:
    """A study's runs with their parameters, and its scores, one row a run, seed and metric."""

    label: str  # as it was asked for
    runs: Mapping[str, Mapping[str, Any]]
    scores: pd.DataFrame
    status: Mapping[str, str]  # of each run; only of a folder


def read_compared(label: str) -> ComparedStudy:
    """Read `FOLDER`, or `FOLDER@REVISION` from the folder's git repository.

    A revision is a commit, a branch, a tag or the name of a DVC experiment. For it, and for a
    folder without `data/scores`, the report's file of all scores is read. Raises `InputError`.
    """
    folder_name, at, revision = label.rpartition("@")
    status: dict[str, str] = {}
    if Path(label).is_dir() or not at:
        path, file = Path(label) / PARAMS, Path(label) / FILE
        if not path.is_file():
            raise InputError(f"{label}: expected a study's folder with {PARAMS}, found none")
        params, where = parameters.read(path), str(path)
        config = ReportConfig.parse(params.get("report", {}), f"{path}: report")
        sections = {name: params.get(name, {}) for name in SECTIONS}
        study = read_study(Path(label), config, run_rows(params, where), **sections)
        scores, status = all_scores(study), {name: run.status for name, run in study.runs.items()}
        if scores.empty and file.is_file():
            scores = _parse_scores(file.read_bytes(), str(file))
        if scores.empty:
            raise InputError(f"{label}: expected scores in data/scores or {FILE}, found none")
    else:
        folder, where = Path(folder_name or "."), f"{label}: {PARAMS}"
        if not folder.is_dir():
            raise InputError(f"{label}: expected a folder before '@', found none")
        commit = _find_commit(folder, revision, label)
        params = parameters.parse(_read_at(folder, commit, PARAMS, label), where)
        scores = _parse_scores(_read_at(folder, commit, FILE, label), f"{label}: {FILE}")
    sampling = {"sampling": params["sampling"]} if params.get("sampling") else {}
    runs = {name: {**row, **sampling} for name, row in run_rows(params, where).items()}
    return ComparedStudy(label, runs, scores, status)


def _parse_scores(content: bytes, where: str) -> pd.DataFrame:
    """All scores, with every column of this version; what an older file lacks is NA."""
    table = parquet_files.read_table(content, where)
    try:
        frame: pd.DataFrame = table.to_pandas()
        for column in REQUIRED:
            if column not in frame:
                columns = ", ".join(map(str, frame.columns))
                raise InputError(f"{where}: expected a column {column!r}, found {columns:.120}")
        if frame.empty:
            raise InputError(f"{where}: expected scores, found no row")
        return frame.reindex(columns=list(SCORES)).astype(SCORES)
    except InputError:
        raise
    except Exception as error:  # pandas' own metadata may say anything
        raise InputError(f"{where}: expected a table, found {one_line(error)}") from None


def _find_commit(folder: Path, revision: str, label: str) -> str:
    """The commit that a revision names; for a DVC experiment's name, the experiment's."""
    references = _git(folder, "for-each-ref", "--format=%(refname)", "refs/exps") or b""
    names = references.decode().split()
    experiments = [name for name in names if name.rpartition("/")[2] == revision]
    if len(experiments) > 1:
        raise InputError(f"{label}: expected one experiment of that name, found {len(experiments)}")
    for name in (revision, *experiments):
        options = ("--verify", "--quiet", "--end-of-options")
        if commit := _git(folder, "rev-parse", *options, f"{name}^{{commit}}"):
            return commit.decode().strip()
    raise InputError(f"{label}: expected a revision or an experiment after '@', found neither")


def _read_at(folder: Path, commit: str, name: str, label: str) -> bytes:
    content = _git(folder, "show", f"{commit}:./{name}")
    if content is None:
        raise InputError(f"{label}: expected {name} at that revision, found none")
    return content


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True)
    except FileNotFoundError:
        raise InputError("expected git for a revision, found no such program") from None
    return done.stdout if done.returncode == 0 else None
