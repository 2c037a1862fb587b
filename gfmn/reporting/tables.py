"""Tables: one typed frame a table, and which of its columns are whose scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.beside import (
    COLUMNS,
    differences,
    pairs_in_order,
    paper_columns,
    places,
    same_data,
)
from gfmn.reporting.paper import PaperRow, paper_dataset, paper_tables
from gfmn.reporting.records import RealScores, Scores
from gfmn.reporting.results import RunResult, Study, TableConfig
from gfmn.reporting.spaces import Space, find_spaces
from gfmn.reporting.summary import REAL, summaries

__all__ = ["Space", "Table", "make_table", "pairs_in_order"]

SETTINGS = {  # column -> dtype and heading
    "kind": ("string", "Kind"),  # real, run, or published: the paper's figures alone
    "run": ("string", "Run"),
    "status": ("string", "Status"),
    "beyond": ("boolean", "Beyond the paper"),
    "note": ("string", "Note"),
    "dataset": ("string", "Data set"),
    "extractor": ("string", "Extractor"),
    "networks": ("string", "Networks"),
    "taps": ("Int64", "Taps"),
    "features": ("Int64", "Features"),
    "generator": ("string", "Generator"),
    "objective": ("string", "Objective"),
    "batch": ("Int64", "Minibatch"),
    "steps": ("Int64", "Steps"),
    "lr": ("Float64", "lr"),
}
COUNTS = {  # of the main space; those of another end in its evaluator's name
    "evaluator": ("string", "Evaluator"),
    "scored_against": ("string", "Scored against"),
    "seeds": ("Int64", "Seeds"),  # how many the means are over
    "seed_list": ("string", "Seeds"),  # as "[0, 1, 2]"
    "n_generated": ("Int64", "n generated"),
    "n_real": ("Int64", "n real"),  # in the row of real data, where others have n_generated
    "n_reference": ("Int64", "n reference"),
}


@dataclass(frozen=True)
class Table:
    """A frame, one row a run with real data first, and its spaces, the main one first.

    A score's column is named as its file names it and holds the mean over seeds; `<key>_std` is
    the deviation and `<key>_over` what that is over. A row of the kind `published` has no `run`:
    it holds the paper's columns alone.
    """

    frame: pd.DataFrame
    spaces: tuple[Space, ...]
    paper: str | None = None  # the table that it stands beside

    @property
    def main(self) -> Space | None:
        """The space that orders rows, figures and bars."""
        return self.spaces[0] if self.spaces else None

    @property
    def distance(self) -> str | None:
        """The main space's Fréchet distance that most runs have, then that of fewest images."""
        keys = [k for k in self.main.keys if names.kind(k) in names.DISTANCES] if self.main else []
        had = self.runs[keys].count()
        return max(keys, key=lambda key: int(had[key]), default=None)

    @property
    def how(self) -> dict[str, str]:
        """How scores without a deviation of their own were made, by their names."""
        return {key: how for space in self.spaces for key, how in space.how.items()}

    @property
    def runs(self) -> pd.DataFrame:
        """The rows of this study's runs."""
        return pd.DataFrame(self.frame[self.frame["kind"] == "run"])


def make_table(study: Study, config: TableConfig) -> Table:
    """One row a run in the order of the parameters, real data first, with typed columns.

    With `published` the order is the paper's, and its other rows stand among the runs.
    """
    runs = [study.runs[name] for name in config.rows]
    spaces = find_spaces(study, runs)
    theirs = paper_tables()[config.paper] if config.paper else ()
    dataset = paper_dataset(config.paper or "")
    rows = _real_rows(study, runs, spaces, config.paper)
    first = bool(rows) and any(row.label == REAL for row in theirs)
    indices = [0 if first else -1] * len(rows)  # of the paper's rows that these stand at
    for run, place in zip(runs, config.rows.values(), strict=True):
        row = _settings(run) | {"beyond": place.beyond, "note": place.note or None}
        for space in spaces:
            row |= _scored(space, run.scores(space.evaluator))
        if place.paper is not None:
            row |= paper_columns(theirs[place.paper], dataset)
        behind = indices[-1] if indices else -1
        indices.append(behind if place.paper is None else place.paper)
        rows.append(row)
    _add_differences(study, spaces, rows, dataset)
    if config.published:
        rows = _with_published(rows, indices, theirs, dataset)
    dtypes = _dtypes(spaces, rows, bool(config.paper))
    cells = {key: [_plain(row.get(key), dtype) for row in rows] for key, dtype in dtypes.items()}
    series = {key: pd.Series(cells[key], dtype=dtypes[key]) for key in dtypes}
    table = Table(pd.DataFrame(series), spaces, config.paper)
    if not config.paper:
        return table
    return replace(table, frame=table.frame.assign(**places(table.frame, table.distance)))


def _real_rows(
    study: Study, runs: list[RunResult], spaces: tuple[Space, ...], paper: str | None
) -> list[dict[str, Any]]:
    """Real images against other real ones, one row a data set, beside the paper's such row."""
    theirs, rows = paper_tables()["table4"][0], []
    for dataset in dict.fromkeys(one.dataset for run in runs for one in run.evaluations):
        found = [study.real.get((dataset, space.evaluator)) for space in spaces]
        if real := next((scores for scores in found if scores), None):
            row = {"kind": "real", "run": REAL, "status": "scored", "beyond": False}
            row |= {"dataset": dataset, "note": _held_out(real)}
            row |= paper_columns(theirs, paper_dataset(paper)) if paper else {}
            for space, scores in zip(spaces, found, strict=True):
                row |= _scored(space, scores)
            rows.append(row)
    return rows


def _add_differences(
    study: Study, spaces: Iterable[Space], rows: Iterable[dict[str, Any]], dataset: str
) -> None:
    for space in spaces:
        for row in rows if space.canonical else ():
            if same_data(study, row.get(f"scored_against{space.suffix}"), dataset):
                row |= differences(row, space.keys)


def _with_published(
    rows: list[dict[str, Any]], indices: list[int], theirs: Sequence[PaperRow], dataset: str
) -> list[dict[str, Any]]:
    """The paper's other rows among these, in its order; each row is of its neighbours' group."""
    placed = list(zip(indices, rows, strict=True))
    for index, row in placed:
        row["paper_group"] = theirs[index].group if index >= 0 else None
    taken = {index for index, row in placed if row.get("paper_row") is not None}
    for index in sorted(set(range(len(theirs))) - taken):
        constant = {"kind": "published", "status": "published", "beyond": False}
        placed.append((index, constant | paper_columns(theirs[index], dataset)))
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]


def _dtypes(
    spaces: Iterable[Space], rows: list[dict[str, Any]], with_paper: bool
) -> dict[str, str]:
    dtypes = {key: dtype for key, (dtype, _) in SETTINGS.items()}
    for i, space in enumerate(spaces):
        counts = [key for key in COUNTS if i == 0 or key not in ("evaluator", "seed_list")]
        dtypes |= {key + space.suffix: COUNTS[key][0] for key in counts}
        for key in space.keys:
            dtypes[key] = "Float64"
            if any(row.get(f"{key}_std") is not None for row in rows):
                dtypes |= {f"{key}_std": "Float64", f"{key}_over": "string"}
    return dtypes | ({key: dtype for key, (dtype, _) in COLUMNS.items()} if with_paper else {})


def _held_out(real: RealScores) -> str:
    where = real.held_out.dataset
    return f"held out: {where if where != real.dataset else real.held_out.how}"


def _settings(run: RunResult) -> dict[str, Any]:
    row = {key: run.parameters.get(key) for key in SETTINGS if key != "taps"}
    row |= {"kind": "run", "run": run.name, "status": run.status}
    taps = run.parameters.get("taps")
    if run.model:
        networks = " + ".join(run.model.precision) or None
        return row | {
            "networks": networks,
            "taps": len(run.model.taps),
            "features": run.model.features,
        }
    known = len(taps) if isinstance(taps, list) else taps if isinstance(taps, int) else None
    return row | {"taps": known}


def _scored(space: Space, scores: Scores | None) -> dict[str, Any]:
    """A row's columns in one space; nothing where it has no scores there."""
    if scores is None:
        return {}
    seeds = [found.seed for found in scores.seeds if found.seed is not None]
    counts = {
        "scored_against": scores.dataset,
        "seeds": len(seeds) or None,
        "n_real" if isinstance(scores, RealScores) else "n_generated": scores.n,
        "n_reference": scores.n_reference,
    }
    row: dict[str, Any] = {key + space.suffix: value for key, value in counts.items()}
    if not space.suffix:
        row |= {"evaluator": space.evaluator, "seed_list": str(seeds) if seeds else None}
    for key, one in summaries(scores).items():
        if key in space.keys:
            row |= {key: one.value, f"{key}_std": one.std, f"{key}_over": one.over}
    return row


def _plain(value: Any, dtype: str) -> Any:
    return str(value) if dtype == "string" and value is not None else value
