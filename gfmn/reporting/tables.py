"""Tables: one typed frame a table, and which of its columns are whose scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.paper import Published, paper_tables
from gfmn.reporting.records import RealScores, RunScores, Scores
from gfmn.reporting.results import RunResult, Study, TableConfig
from gfmn.reporting.summary import REAL, summaries, ways

SETTINGS = {  # column -> dtype and heading
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
PAPER = {
    "paper_row": ("string", "Row"),
    "paper_features": ("string", "Features"),
    "paper_is_mean": ("Float64", "IS"),
    "paper_is_std": ("Float64", "±"),
    "paper_fid5k": ("Float64", "FID 5K"),
    "paper_fid50k": ("Float64", "FID 50K"),
}


@dataclass(frozen=True)
class Space:
    """One evaluator in a table: which columns are its scores, and what scored them."""

    evaluator: str
    suffix: str  # of its columns of counts; none for the table's main space
    keys: tuple[str, ...]
    how: dict[str, str]  # of scores without a deviation of their own: how they were made
    canonical: bool
    in_domain: bool
    resizer: str
    sampling: tuple[str, ...]  # seed and batch norm of the samples, where not all are the same


@dataclass(frozen=True)
class Table:
    """A frame, one row a run with real data first, and its spaces, the main one first.

    A score's column is named as its file names it and holds the mean over seeds; `<key>_std` is
    the deviation and `<key>_over` what that is over.
    """

    frame: pd.DataFrame
    spaces: tuple[Space, ...]

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
        """The rows that are not of real data."""
        return pd.DataFrame(self.frame[self.frame["run"] != REAL])


def make_table(study: Study, config: TableConfig) -> Table:
    """One row a run in the order of the parameters, real data first, with typed columns."""
    runs = [study.runs[name] for name in config.rows]
    spaces = _spaces(study, runs)
    published = paper_tables()
    rows = []
    for dataset in dict.fromkeys(one.dataset for run in runs for one in run.evaluations):
        found = [study.real.get((dataset, space.evaluator)) for space in spaces]
        if real := next((scores for scores in found if scores), None):
            paper = published["table4"][0].cifar10 if config.paper else None
            facts = {"run": REAL, "status": "scored", "beyond": False, "dataset": dataset}
            rows.append(facts | {"note": _held_out(real)} | _paper(REAL, None, paper))
            for space, scores in zip(spaces, found, strict=True):
                rows[-1] |= _scored(space, scores)
    for run, place in zip(runs, config.rows.values(), strict=True):
        row = _settings(run) | {"beyond": place.beyond, "note": place.note or None}
        for space in spaces:
            row |= _scored(space, run.scores(space.evaluator))
        if config.paper and place.paper is not None:
            beside = published[config.paper][place.paper]
            row |= _paper(beside.label, beside.features, beside.cifar10)
        rows.append(row)
    dtypes = _dtypes(spaces, rows, bool(config.paper))
    cells = {key: [_plain(row.get(key), dtype) for row in rows] for key, dtype in dtypes.items()}
    series = {key: pd.Series(cells[key], dtype=dtypes[key]) for key in dtypes}
    return Table(pd.DataFrame(series), spaces)


def pairs_in_order(frame: pd.DataFrame, distance: str | None) -> tuple[int, int] | None:
    """How many pairs of runs stand in the paper's order, of how many that the paper separates.

    The order is by the column `distance` and by the paper's FID 5K; None where nothing compares.
    """
    if distance is None or "paper_fid5k" not in frame:
        return None
    rows = frame[frame["run"] != REAL].dropna(subset=[distance, "paper_fid5k"])
    values = list(zip(rows[distance], rows["paper_fid5k"], strict=True))
    signs = [float((a - b) * (p - q)) for (a, p), (b, q) in combinations(values, 2) if p != q]
    return (sum(sign > 0 for sign in signs), len(signs)) if signs else None


def _spaces(study: Study, runs: list[RunResult]) -> tuple[Space, ...]:
    """Evaluators in the study's order: those that scored a run, then those with real data only."""
    wanted = {one.evaluator for run in runs for one in run.evaluations}
    datasets = {one.dataset for run in runs for one in run.evaluations}
    found: list[tuple[str, list[RunScores], list[Scores]]] = []
    for evaluator in study.evaluators:
        mine = [scores for run in runs if (scores := run.scores(evaluator))]
        real = [s for pair, s in study.real.items() if pair[0] in datasets and pair[1] == evaluator]
        if evaluator in wanted and (mine or real):
            found.append((evaluator, mine, [*mine, *real]))
    found.sort(key=lambda space: not space[1])
    spaces: list[Space] = []
    for evaluator, mine, every in found:
        summed = [summaries(scores) for scores in every]
        taken = {key for space in spaces for key in space.keys}  # as of pixels, in every space
        keys = {key for row in summed for key in row} - taken
        how = ways(summed)
        drawn = dict.fromkeys((s.sampling.seed, s.sampling.batchnorm) for s in mine)
        spaces.append(
            Space(
                evaluator=evaluator,
                suffix=f"_{evaluator}" if spaces else "",
                keys=tuple(names.ordered(keys)),
                how={key: how[key] for key in names.ordered(keys) if key in how},
                canonical=every[0].canonical,
                in_domain=every[0].in_domain,
                resizer=every[0].resizer,
                sampling=tuple(f"seed {seed}, batch norm {mode}" for seed, mode in drawn),
            )
        )
    return tuple(spaces)


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
    return dtypes | ({key: dtype for key, (dtype, _) in PAPER.items()} if with_paper else {})


def _held_out(real: RealScores) -> str:
    where = real.held_out.dataset
    return f"held out: {where if where != real.dataset else real.held_out.how}"


def _settings(run: RunResult) -> dict[str, Any]:
    row = {key: run.parameters.get(key) for key in SETTINGS if key != "taps"}
    row |= {"run": run.name, "status": run.status}
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


def _paper(label: str, features: str | None, scores: Published | None) -> dict[str, Any]:
    if scores is None:
        return {}
    mean, std = scores.is_ or (None, None)
    return {
        "paper_row": label,
        "paper_features": features,
        "paper_is_mean": mean,
        "paper_is_std": std,
        "paper_fid5k": scores.fid5k,
        "paper_fid50k": scores.fid50k,
    }


def _plain(value: Any, dtype: str) -> Any:
    return str(value) if dtype == "string" and value is not None else value
