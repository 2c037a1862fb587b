"""Tables: one frame a table, written as parquet, CSV and Markdown from the same rows."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from gfmn.reporting.display import COUNTS, FIELDS, PAPER, REAL, SETTINGS, markdown
from gfmn.reporting.paper import Published, paper_tables
from gfmn.reporting.results import Metrics, RealMetrics, RunResult, Spread, Study, TableConfig


def table_frame(study: Study, table: TableConfig) -> pd.DataFrame:
    """One row a run in the order of the parameters, real data first, with typed columns."""
    published = paper_tables()
    rows = []
    for dataset, evaluator in _spaces(study, table):
        if real := study.real.get((dataset, evaluator)):
            paper = published["table4"][0].cifar10 if table.paper else None
            facts = {"run": REAL, "status": "scored", "beyond": False, "dataset": dataset}
            rows.append(facts | _counted(real, real.n_real) | _paper(REAL, None, paper))
    for name, config in table.rows.items():
        run = study.runs[name]
        row = _settings(run) | {"beyond": config.beyond, "note": config.note or None}
        if run.metrics:
            row |= _counted(run.metrics, run.metrics.n_generated)
        if table.paper and config.paper is not None:
            beside = published[table.paper][config.paper]
            row |= _paper(beside.label, beside.features, beside.cifar10)
        rows.append(row)
    scores = list(dict.fromkeys(key for row in rows for key in row if key not in FIELDS))
    scores.sort(key=lambda key: (not key.startswith("fd_"), not key.startswith("score_")))
    dtypes = {key: dtype for key, (dtype, _) in (SETTINGS | COUNTS).items()}
    dtypes |= dict.fromkeys(scores, "Float64")
    if table.paper:
        dtypes |= {key: dtype for key, (dtype, _) in PAPER.items()}
    cells = {key: [_plain(row.get(key), dtype) for row in rows] for key, dtype in dtypes.items()}
    return pd.DataFrame({key: pd.Series(cells[key], dtype=dtypes[key]) for key in dtypes})


def score_columns(frame: pd.DataFrame, prefix: str = "") -> list[str]:
    """The frame's own scores (not the paper's, not deviations) that begin with `prefix`."""
    names = [column for column in frame.columns if column not in FIELDS]
    return [n for n in names if n.startswith(prefix) and not n.endswith("_std")]


def pairs_in_order(frame: pd.DataFrame) -> tuple[int, int] | None:
    """How many pairs of runs stand in the paper's order, of how many that the paper separates.

    The order is by our Fréchet distance and by the paper's FID 5K; None where nothing compares.
    """
    distances = score_columns(frame, "fd_")
    if not distances or "paper_fid5k" not in frame:
        return None
    rows = frame[frame["run"] != REAL].dropna(subset=[distances[0], "paper_fid5k"])
    values = list(zip(rows[distances[0]], rows["paper_fid5k"], strict=True))
    signs = [float((a - b) * (p - q)) for (a, p), (b, q) in combinations(values, 2) if p != q]
    return (sum(sign > 0 for sign in signs), len(signs)) if signs else None


def write_tables(frames: Mapping[str, pd.DataFrame], titles: Mapping[str, str], to: Path) -> None:
    """Write `<table>.parquet`, `.csv` and `.md` into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_parquet(to / f"{name}.parquet", index=False)
        frame.to_csv(to / f"{name}.csv", index=False, lineterminator="\n")
        (to / f"{name}.md").write_text(markdown(frame, titles[name]), encoding="utf-8")


def _spaces(study: Study, table: TableConfig) -> list[tuple[str, str]]:
    parameters = [study.runs[name].parameters for name in table.rows]
    return list(dict.fromkeys((str(p.get("dataset")), str(p.get("evaluator"))) for p in parameters))


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


def _counted(metrics: Metrics | RealMetrics, n: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "evaluator": metrics.evaluator,
        "n_generated": n,
        "n_reference": metrics.n_reference,
    }
    for key, value in metrics.scores.items():
        if isinstance(value, Spread):
            row |= {f"{key}_mean": value.mean, f"{key}_std": value.std}
        else:
            row[key] = value
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
