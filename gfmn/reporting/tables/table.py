"""A table: one typed frame of runs, scores and the paper's rows, and its feature spaces."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gfmn.reporting.config import TableConfig
from gfmn.reporting.paper import paper_dataset, paper_tables
from gfmn.reporting.paper_settings import differing_settings
from gfmn.reporting.records import DISTANCES, REAL_DATA, RealScores, Scores
from gfmn.reporting.results import RunResult, Study

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
PAPER_COLUMNS = {
    "paper_row": ("string", "Row"),
    "paper_group": ("string", "Kind of method"),
    "paper_features": ("string", "Features"),
    "paper_is_mean": ("Float64", "IS"),
    "paper_is_std": ("Float64", "±"),
    "paper_fid5k": ("Float64", "FID 5K"),
    "paper_fid50k": ("Float64", "FID 50K"),
    "paper_source": ("string", "Source"),
}
DIFFERENCES = {  # ours minus the paper's, only in the feature space of FID's own Inception
    "difference_is": ("Float64", "Δ IS"),
    "difference_fid5k": ("Float64", "Δ FID 5K"),
    "difference_fid50k": ("Float64", "Δ FID 50K"),
}
RANKS = {  # by the table's Fréchet distance, and by the paper's FID 5K; 1 is the best
    "place": ("Int64", "Rank here"),
    "paper_place": ("Int64", "Rank in the paper"),
    "places": ("Int64", "Ranked runs"),  # how many rows have both
}
FIDS = ("fid_5k", "fid_50k")  # ours, at the paper's numbers of samples

Row = dict[str, Any]


@dataclass(frozen=True)
class Space:
    """One evaluator's feature space in a table."""

    evaluator: str
    architecture: str
    resizer: str
    canonical: bool  # FID's own Inception
    suffix: str  # ends the names of its columns of counts; empty for the table's main space
    scores: pd.DataFrame  # its score columns in order, by name: kind, count, title, direction, ...
    methods: dict[str, str]  # how scores without a deviation of their own were computed


@dataclass(frozen=True)
class Table:
    """A frame, one row a run with real data first, and its feature spaces, the main one first.

    A score's column is named as its file names it and holds the mean over seeds; `<key>_std` is
    the deviation and `<key>_over` what that is over. A row of the kind `published` has no `run`:
    it holds the paper's columns alone.
    """

    frame: pd.DataFrame
    spaces: tuple[Space, ...]
    paper: str | None = None  # the paper's table that it is compared with

    @property
    def distance(self) -> str | None:
        """The main space's Fréchet distance, as `distance_in` chooses it."""
        return self.distance_in(self.spaces[0]) if self.spaces else None

    def distance_in(self, space: Space) -> str | None:
        """A space's Fréchet distance that most runs have, then that of fewest images."""
        keys = space.scores.index[space.scores["kind"].isin(DISTANCES)]
        counts = self.runs[keys].count()
        return max(keys, key=lambda key: int(counts[key]), default=None)

    @property
    def runs(self) -> pd.DataFrame:
        """The rows of this study's runs."""
        return pd.DataFrame(self.frame[self.frame["kind"] == "run"])


def make_table(study: Study, config: TableConfig) -> Table:
    """One row a run in the order of the parameters, real data first, with typed columns.

    With `published` the order is the paper's, and its other rows are added between the runs.
    """
    runs = [study.runs[name] for name in config.rows]
    spaces = _find_spaces(study, runs)
    paper = paper_tables()[config.paper] if config.paper else []
    has_real = any(row["paper_row"] == REAL_DATA for row in paper)
    placed: list[tuple[int, Row]] = [  # of each row, its index among the paper's
        (0 if has_real else -1, row) for row in _real_rows(study, runs, spaces, config.paper)
    ]
    for run, of in zip(runs, config.rows.values(), strict=True):
        row = _settings(study, run, spaces) | {"beyond": of.beyond, "note": of.note or None}
        for space in spaces:
            row |= _score_columns(space, run.scores(space.evaluator))
        before = placed[-1][0] if placed else -1
        row |= {} if of.paper is None else paper[of.paper]
        placed.append((before if of.paper is None else of.paper, row))
    if config.published:
        placed = _with_published(placed, paper)
    frame = _typed([row for _, row in placed], spaces, bool(config.paper))
    if config.paper:
        for space in spaces:
            if space.canonical:
                frame = _with_differences(study, frame, space, paper_dataset(config.paper))
        frame = frame.assign(**ranks(frame, Table(frame, spaces).distance))
    return Table(frame, spaces, config.paper)


def merged_scores(files: Iterable[Scores]) -> tuple[pd.DataFrame, dict[str, str]]:
    """A row of means for each score of some files, in order, and how those were computed.

    The second is by name, of scores without a deviation of their own.
    """
    means = pd.concat([file.means for file in files])
    groups = means["method"].dropna().groupby(level=0)
    methods = {str(key): " or ".join(one.unique()) for key, one in groups}
    scores = means[~means.index.duplicated()].sort_values(["order", "count", "score"])
    return scores, methods


def ranks(frame: pd.DataFrame, distance: str | None) -> dict[str, "pd.Series[Any]"]:
    """Each run's rank by the column `distance` and by the paper's FID 5K, among those with both.

    Equal values share the better rank.
    """
    rows = frame[:0]
    if distance is not None and "paper_fid5k" in frame:
        rows = frame[frame["run"].fillna(REAL_DATA) != REAL_DATA]
        rows = rows.dropna(subset=[distance, "paper_fid5k"])
    if len(rows) < 2:
        return {key: pd.Series(pd.NA, frame.index, "Int64") for key in RANKS}
    columns: dict[str, pd.Series[Any]] = {
        "place": rows[distance].rank(method="min"),
        "paper_place": rows["paper_fid5k"].rank(method="min"),
        "places": pd.Series(len(rows), rows.index),
    }
    return {key: one.astype("Int64").reindex(frame.index) for key, one in columns.items()}


def is_paper_dataset(study: Study, name: str | None, dataset: str) -> bool:
    """Whether a study's data set is the paper's `dataset`, by its source or its name's first part.

    `cifar10` read from parquet and a split `cifar10_test` are CIFAR-10.
    """
    if name is None or pd.isna(name):
        return False
    source = study.datasets.get(name, {}).get("source")
    return source == dataset or name.replace("-", "_").split("_")[0] == dataset


def _real_rows(
    study: Study, runs: list[RunResult], spaces: tuple[Space, ...], paper: str | None
) -> list[Row]:
    """Real images against other real ones, one row a data set, with the paper's such row."""
    rows = []
    published = paper_tables()[f"table4_{paper_dataset(paper or '')}"][0]
    evaluations = [evaluation for run in runs for evaluation in run.evaluations]
    for dataset in dict.fromkeys(evaluation.dataset for evaluation in evaluations):
        by_space = [study.real.get((dataset, space.evaluator)) for space in spaces]
        if real := next((scores for scores in by_space if scores), None):
            how = real.held_out.how if real.held_out.dataset == dataset else real.held_out.dataset
            row: Row = {"kind": "real", "run": REAL_DATA, "status": "scored", "beyond": False}
            row |= {"dataset": dataset, "note": f"held out: {how}"} | (published if paper else {})
            for space, scores in zip(spaces, by_space, strict=True):
                row |= _score_columns(space, scores)
            rows.append(row)
    return rows


def _settings(study: Study, run: RunResult, spaces: Iterable[Space]) -> Row:
    row = {key: run.parameters.get(key) for key in SETTINGS if key != "taps"}
    if method := run.parameters.get("method"):  # a baseline
        network = None if row["extractor"] == "none" else row["extractor"]
        row |= {"objective": method, "extractor": network}
    own = [s.evaluator for s in spaces if study.networks.is_trained_on(run.parameters, s.evaluator)]
    row |= {"kind": "run", "run": run.name, "status": run.status}
    row["differs"] = differing_settings(run.parameters, study.networks)
    row["flattered"] = ", ".join(own) or None
    if model := run.model:
        networks = " + ".join(model.precision) or None
        row |= {"networks": networks, "taps": len(model.taps), "features": model.features}
        return row if model.taps else row | {"taps": None, "features": None}  # of a baseline
    taps = run.parameters.get("taps")
    return row | {"taps": len(taps) if isinstance(taps, list) else None if taps == "all" else taps}


def _score_columns(space: Space, scores: Scores | None) -> Row:
    """A row's columns in one space; empty where it has no scores there."""
    if scores is None:
        return {}
    seeds = [one.seed for one in scores.seeds if one.seed is not None]
    row = {
        f"scored_against{space.suffix}": scores.dataset,
        f"seeds{space.suffix}": len(seeds) or None,
        f"n_{'real' if isinstance(scores, RealScores) else 'generated'}{space.suffix}": scores.n,
        f"n_reference{space.suffix}": scores.n_reference,
    }
    if not space.suffix:
        row |= {"evaluator": space.evaluator, "seed_list": str(seeds) if seeds else None}
    for key, mean in scores.means[scores.means.index.isin(space.scores.index)].iterrows():
        row |= {f"{key}": mean["value"], f"{key}_std": mean["std"], f"{key}_over": mean["over"]}
    return row


def _find_spaces(study: Study, runs: list[RunResult]) -> tuple[Space, ...]:
    """The spaces in the study's order: those that scored a run, then those of real data alone."""
    pairs = {(one.dataset, one.evaluator) for run in runs for one in run.evaluations}
    of_runs: list[list[Scores]] = []
    of_real: list[list[Scores]] = []
    for evaluator in dict.fromkeys(e for e in study.evaluators if e in {e for _, e in pairs}):
        files: list[Scores] = [one for run in runs if (one := run.scores(evaluator))]
        datasets = {dataset for dataset, _ in pairs}
        real = [one for pair, one in study.real.items() if pair[1] == evaluator]
        real = [one for one in real if one.dataset in datasets]
        if files or real:
            (of_runs if files else of_real).append([*files, *real])
    spaces: list[Space] = []
    for files in [*of_runs, *of_real]:
        scores, methods = merged_scores(files)
        taken = [key for space in spaces for key in space.scores.index]  # pixels' are in every one
        scores = scores.drop(taken, errors="ignore")
        suffix, first = f"_{files[0].evaluator}" if spaces else "", files[0]
        facts = first.evaluator, first.architecture, first.resizer, first.canonical
        spaces.append(Space(*facts, suffix, scores, methods))
    return tuple(spaces)


def _with_published(placed: list[tuple[int, Row]], paper: Sequence[Row]) -> list[tuple[int, Row]]:
    """The paper's other rows among these, in its order; each row is in its neighbors' group."""
    for position, row in placed:
        row["paper_group"] = paper[position]["paper_group"] if position >= 0 else None
    taken = {position for position, row in placed if row.get("paper_row") is not None}
    constant = {"kind": "published", "status": "published", "beyond": False}
    others = [(i, constant | row) for i, row in enumerate(paper) if i not in taken]
    return sorted([*placed, *others], key=lambda pair: pair[0])


def _typed(rows: list[Row], spaces: Iterable[Space], with_paper: bool) -> pd.DataFrame:
    dtypes = {key: dtype for key, (dtype, _) in SETTINGS.items()}
    for space in spaces:
        counts = [
            key for key in COUNTS if not space.suffix or key not in ("evaluator", "seed_list")
        ]
        dtypes |= {key + space.suffix: COUNTS[key][0] for key in counts}
        for key in space.scores.index:
            dtypes[key] = "Float64"
            if any(pd.notna(row.get(f"{key}_std")) for row in rows):
                dtypes |= {f"{key}_std": "Float64", f"{key}_over": "string"}
    added = PAPER_COLUMNS | DIFFERENCES | RANKS if with_paper else {}
    dtypes |= {key: dtype for key, (dtype, _) in added.items()}
    return pd.DataFrame(rows, columns=list(dtypes), dtype=object).astype(dtypes)


def _with_differences(
    study: Study, frame: pd.DataFrame, space: Space, dataset: str
) -> pd.DataFrame:
    """Ours minus the paper's, of images of the same data set.

    FID is compared at one number of samples; the Inception score, for which the paper gives no
    number, at the largest that there is.
    """
    against = frame[f"scored_against{space.suffix}"]
    same = pd.Series([is_paper_dataset(study, name, dataset) for name in against])
    by_count = space.scores.sort_values("count", ascending=False)
    largest = frame[by_count.index[by_count["kind"] == "is"]].bfill(axis=1)
    ours = {"difference_is": largest[largest.columns[0]]} if len(largest.columns) else {}
    ours |= {f"difference_{k.replace('_', '')}": frame[k] for k in FIDS if k in frame}
    papers = dict(zip(DIFFERENCES, ("paper_is_mean", "paper_fid5k", "paper_fid50k"), strict=True))
    return frame.assign(**{k: (one - frame[papers[k]]).where(same) for k, one in ours.items()})
