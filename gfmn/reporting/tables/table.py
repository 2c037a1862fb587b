"""A table: one typed frame, and the feature spaces of its score columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gfmn.reporting.config import TableConfig
from gfmn.reporting.paper import PaperRow, paper_dataset, paper_tables
from gfmn.reporting.paper_settings import differing_settings
from gfmn.reporting.records import RealScores, Scores
from gfmn.reporting.results import REAL_DATA, RunResult, Study
from gfmn.reporting.score_info import DISTANCES
from gfmn.reporting.score_means import score_means
from gfmn.reporting.tables import paper_comparison
from gfmn.reporting.tables.paper_comparison import paper_columns
from gfmn.reporting.tables.scored_spaces import ScoredSpace, scored_spaces

SETTINGS = {  # column -> dtype and heading
    "kind": ("string", "Kind"),  # real, run, or published: a row of the paper alone
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
    "differs": ("string", "Not the paper’s"),
    "flattered": ("string", "Flattered in"),  # spaces of networks that the run is trained on
}
COUNTS = {  # in the main space; in another the names end in its evaluator's name
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
    """A frame, one row a run with real data first, and its feature spaces, the main one first.

    A score's column is named as its file names it and holds the mean over seeds; `<key>_std` is
    the deviation and `<key>_over` what that is over. A row of the kind `published` has no `run`:
    it holds the paper's columns alone.
    """

    frame: pd.DataFrame
    spaces: tuple[ScoredSpace, ...]
    paper: str | None = None  # the paper's table that it is compared with

    @property
    def main(self) -> ScoredSpace | None:
        """The space that orders rows, figures and bars."""
        return self.spaces[0] if self.spaces else None

    @property
    def distance(self) -> str | None:
        """The main space's Fréchet distance, as `distance_in` chooses it."""
        return self.distance_in(self.main) if self.main else None

    def distance_in(self, space: ScoredSpace) -> str | None:
        """A space's Fréchet distance that most runs have, then that of fewest images."""
        keys = [key for key, info in space.scores.items() if info.kind in DISTANCES]
        counts = self.runs[keys].count()
        return max(keys, key=lambda key: int(counts[key]), default=None)

    @property
    def methods(self) -> dict[str, str]:
        """How scores without a deviation of their own were computed, by their names."""
        return {key: method for space in self.spaces for key, method in space.methods.items()}

    @property
    def runs(self) -> pd.DataFrame:
        """The rows of this study's runs."""
        return pd.DataFrame(self.frame[self.frame["kind"] == "run"])


def make_table(study: Study, config: TableConfig) -> Table:
    """One row a run in the order of the parameters, real data first, with typed columns.

    With `published` the order is the paper's, and its other rows are added between the runs.
    """
    runs = [study.runs[name] for name in config.rows]
    spaces = scored_spaces(study, runs)
    paper_rows = paper_tables()[config.paper] if config.paper else ()
    dataset = paper_dataset(config.paper or "")
    rows = _real_rows(study, runs, spaces, config.paper)
    has_real = bool(rows) and any(row.label == REAL_DATA for row in paper_rows)
    positions = [0 if has_real else -1] * len(rows)  # each row's index among the paper's
    for run, row_config in zip(runs, config.rows.values(), strict=True):
        row = _settings(study, run, spaces) | {
            "beyond": row_config.beyond,
            "note": row_config.note or None,
        }
        for space in spaces:
            row |= _score_columns(space, run.scores(space.evaluator))
        if row_config.paper is not None:
            row |= paper_columns(paper_rows[row_config.paper], dataset)
        before = positions[-1] if positions else -1
        positions.append(before if row_config.paper is None else row_config.paper)
        rows.append(row)
    _add_differences(study, spaces, rows, dataset)
    if config.published:
        rows = _with_published(rows, positions, paper_rows, dataset)
    dtypes = _dtypes(spaces, rows, bool(config.paper))
    cells = {key: [_cell(row.get(key), dtype) for row in rows] for key, dtype in dtypes.items()}
    columns = {key: pd.Series(cells[key], dtype=dtypes[key]) for key in dtypes}
    table = Table(pd.DataFrame(columns), spaces, config.paper)
    if not config.paper:
        return table
    ranks = paper_comparison.ranks(table.frame, table.distance)
    return replace(table, frame=table.frame.assign(**ranks))


def _real_rows(
    study: Study, runs: list[RunResult], spaces: tuple[ScoredSpace, ...], paper: str | None
) -> list[dict[str, Any]]:
    """Real images against other real ones, one row a data set, with the paper's such row."""
    paper_row, rows = paper_tables()["table4"][0], []
    evaluations = [evaluation for run in runs for evaluation in run.evaluations]
    for dataset in dict.fromkeys(evaluation.dataset for evaluation in evaluations):
        by_space = [study.real.get((dataset, space.evaluator)) for space in spaces]
        if real := next((scores for scores in by_space if scores), None):
            row = {"kind": "real", "run": REAL_DATA, "status": "scored", "beyond": False}
            row |= {"dataset": dataset, "note": _held_out_note(real)}
            row |= paper_columns(paper_row, paper_dataset(paper)) if paper else {}
            for space, scores in zip(spaces, by_space, strict=True):
                row |= _score_columns(space, scores)
            rows.append(row)
    return rows


def _add_differences(
    study: Study, spaces: Iterable[ScoredSpace], rows: Iterable[dict[str, Any]], dataset: str
) -> None:
    for space in spaces:
        for row in rows if space.canonical else ():
            scored_against = row.get(f"scored_against{space.suffix}")
            if paper_comparison.is_paper_dataset(study, scored_against, dataset):
                row |= paper_comparison.differences(row, space.scores)


def _with_published(
    rows: list[dict[str, Any]], positions: list[int], paper_rows: Sequence[PaperRow], dataset: str
) -> list[dict[str, Any]]:
    """The paper's other rows among these, in its order; each row is in its neighbors' group."""
    placed = list(zip(positions, rows, strict=True))
    for position, row in placed:
        row["paper_group"] = paper_rows[position].group if position >= 0 else None
    taken = {position for position, row in placed if row.get("paper_row") is not None}
    for position in sorted(set(range(len(paper_rows))) - taken):
        constant = {"kind": "published", "status": "published", "beyond": False}
        placed.append((position, constant | paper_columns(paper_rows[position], dataset)))
    return [row for _, row in sorted(placed, key=lambda pair: pair[0])]


def _dtypes(
    spaces: Iterable[ScoredSpace], rows: list[dict[str, Any]], with_paper: bool
) -> dict[str, str]:
    dtypes = {key: dtype for key, (dtype, _) in SETTINGS.items()}
    for i, space in enumerate(spaces):
        counts = [key for key in COUNTS if i == 0 or key not in ("evaluator", "seed_list")]
        dtypes |= {key + space.suffix: COUNTS[key][0] for key in counts}
        for key in space.scores:
            dtypes[key] = "Float64"
            if any(row.get(f"{key}_std") is not None for row in rows):
                dtypes |= {f"{key}_std": "Float64", f"{key}_over": "string"}
    paper = paper_comparison.COLUMNS if with_paper else {}
    return dtypes | {key: dtype for key, (dtype, _) in paper.items()}


def _held_out_note(real: RealScores) -> str:
    source = real.held_out.dataset
    return f"held out: {source if source != real.dataset else real.held_out.how}"


def _settings(study: Study, run: RunResult, spaces: Iterable[ScoredSpace]) -> dict[str, Any]:
    row = {key: run.parameters.get(key) for key in SETTINGS if key != "taps"}
    row |= {"kind": "run", "run": run.name, "status": run.status}
    if method := run.parameters.get("method"):  # a baseline
        network = None if row["extractor"] == "none" else row["extractor"]
        row |= {"objective": method, "extractor": network}
    own = [s.evaluator for s in spaces if study.networks.is_trained_on(run.parameters, s.evaluator)]
    row |= {
        "differs": differing_settings(run.parameters, study.networks),
        "flattered": ", ".join(own) or None,
    }
    taps = run.parameters.get("taps")
    if model := run.model:
        networks = " + ".join(model.precision) or None
        return row | {"networks": networks, "taps": len(model.taps), "features": model.features}
    count = len(taps) if isinstance(taps, list) else taps if isinstance(taps, int) else None
    return row | {"taps": count}


def _score_columns(space: ScoredSpace, scores: Scores | None) -> dict[str, Any]:
    """A row's columns in one space; empty where it has no scores there."""
    if scores is None:
        return {}
    seeds = [one.seed for one in scores.seeds if one.seed is not None]
    counts = {
        "scored_against": scores.dataset,
        "seeds": len(seeds) or None,
        "n_real" if isinstance(scores, RealScores) else "n_generated": scores.n,
        "n_reference": scores.n_reference,
    }
    row: dict[str, Any] = {key + space.suffix: value for key, value in counts.items()}
    if not space.suffix:
        row |= {"evaluator": space.evaluator, "seed_list": str(seeds) if seeds else None}
    for key, mean in score_means(scores).items():
        if key in space.scores:
            row |= {key: mean.value, f"{key}_std": mean.std, f"{key}_over": mean.over}
    return row


def _cell(value: Any, dtype: str) -> Any:
    return str(value) if dtype == "string" and value is not None else value
