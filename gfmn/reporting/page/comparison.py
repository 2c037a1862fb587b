"""The page's data for its comparison of chosen runs: curves, images, scores and parameters."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import markupsafe
import numpy as np
import pandas as pd

from gfmn.reporting.figures.drawing import positive_losses
from gfmn.reporting.figures.theme import DARK, LIGHT, run_colors
from gfmn.reporting.formatting import format_value
from gfmn.reporting.page.image_store import ImageStore
from gfmn.reporting.page.provenance import parameter_table
from gfmn.reporting.page.run_cards import SETTINGS, feature_neighbors, report_runs
from gfmn.reporting.page.score_tables import all_score_tables
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.display import view_table
from gfmn.reporting.tables.table import Table

CHOSEN = 4  # runs that are compared at first, at most
POINTS = 240  # of a curve, at most
DIGITS = 4  # of a loss


def comparison_data(
    study: Study, tables: Mapping[str, Table], store: ImageStore
) -> markupsafe.Markup | None:
    """Curves, scores, parameters and names of images of every run as JSON; None for one run alone.

    The images themselves are in the store. No text in the JSON can end the element that holds it.
    """
    runs = report_runs(study)
    if len(runs) < 2:
        return None
    matched = list(dict.fromkeys(run.matched for run in runs))
    data = {
        "runs": [
            _run_data(study, run, store) | style | {"matched": matched.index(run.matched)}
            for run, style in zip(runs, line_styles(study, runs), strict=True)
        ],
        "groups": [
            *_score_groups(study),
            *_paper_groups(study, tables),
            _parameter_group(study),
        ],
        "chosen": _first_chosen(study, runs),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return markupsafe.Markup(text.replace("<", "\\u003c"))


def loss_curves(run: RunResult) -> list[dict[str, Any]]:
    """A run's losses by step and by images seen, a curve for each seed that has any."""
    histories = (positive_losses(seed.history) for seed in run.seeds if seed.history is not None)
    return [_thinned(history) for history in histories if len(history)]


def line_styles(study: Study, runs: Sequence[RunResult]) -> list[dict[str, Any]]:
    """Each run's color in both themes, as in the figures, and a dash pattern.

    `dash` counts the runs before it that have the same color.
    """
    colors = [run_colors(study)[run.name] for run in runs]
    return [
        {"light": LIGHT.tone(color), "dark": DARK.tone(color), "dash": colors[:i].count(color)}
        for i, color in enumerate(colors)
    ]


def _thinned(history: pd.DataFrame) -> dict[str, Any]:
    chosen = np.unique(np.linspace(0, len(history) - 1, min(len(history), POINTS)).round())
    rows = history.iloc[chosen.astype(int)]
    return {
        "step": rows["step"].astype(int).tolist(),
        "images": rows["images"].astype(int).tolist(),
        "loss": [_rounded(loss) for loss in rows["loss"]],
    }


def _rounded(value: float) -> float:
    decimals = DIGITS - 1 - math.floor(math.log10(value))
    rounded = round(value, decimals)
    return int(rounded) if decimals <= 0 else rounded


def _first_chosen(study: Study, runs: list[RunResult]) -> list[str]:
    """The first table's runs that have results, and where those are few, others."""
    first = next(iter(study.config.tables.values())).rows if study.config.tables else {}
    with_results = [run.name for run in runs if run.model or run.is_scored]
    of_table = [name for name in first if name in with_results]
    return (of_table if len(of_table) > 1 else with_results)[:CHOSEN]


def _run_data(study: Study, run: RunResult, store: ImageStore) -> dict[str, Any]:
    neighbors = feature_neighbors(study, store, run)
    grids = {
        "samples": store.samples(run.name),
        "interpolations": store.interpolations(run.name),
        "neighbors": neighbors["images"] if neighbors else None,
    }
    settings = {key: run.parameters.get(key) for key in ("dataset", *SETTINGS)}
    terms = [f"{key}={format_value(v)}" for key, v in settings.items() if v is not None]
    return {
        "name": run.name,
        "status": run.status,
        "terms": " ".join([run.name, *terms, run.status]),  # that the filter searches
        "curves": loss_curves(run),
        "images": {kind: grid.name for kind, grid in grids.items() if grid},
    }


def _score_groups(study: Study) -> Iterator[dict[str, Any]]:
    """A group a feature space: how many images, then each score as text and as a number.

    A score that is the same in every space, as of pixels, is in the first group alone.
    """
    seen: set[str] = set()
    for space in all_score_tables(study):
        rows = [row for row in space["rows"] if not row["is_real"]]
        counts = {
            row["run"]: [f"{row['n']:,} against {row['n_reference']:,} real", None] for row in rows
        }
        group = [_group_row("Images", counts)]
        for i, column in enumerate(space["columns"]):
            if column.key in seen:
                continue
            seen.add(column.key)
            cells = {row["run"]: (row["cells"][i][1], row["values"]) for row in rows}
            values = {
                run: [cell.text_with_std, _finite(row_values[column.key])]
                for run, (cell, row_values) in cells.items()
                if cell.text
            }
            group.append(_group_row(column.heading, values, column.key, column.direction or ""))
        yield {"title": f"In {space['evaluator']}", "note": space["resizer"], "rows": group}


def _paper_groups(study: Study, tables: Mapping[str, Table]) -> Iterator[dict[str, Any]]:
    """A group a table: the paper's scores that each run is compared with."""
    for name, config in study.config.tables.items():
        view = view_table(tables[name])
        group = []
        for i, column in enumerate(view.columns):
            if column.group in ("paper", "difference"):
                runs = zip(tables[name].frame["run"], view.rows, strict=True)
                values = {
                    run: [row[i].text_with_std, None]
                    for run, row in runs
                    if run in config.rows and row[i].text
                }
                difference = "Difference, " if column.key.startswith("difference_") else ""
                group.append(_group_row(difference + column.heading, values))
        if any(row[-1] for row in group):
            yield {"title": f"The paper’s scores for “{config.title}”", "note": "", "rows": group}


def _parameter_group(study: Study) -> dict[str, Any]:
    """Parameters in which any two runs differ; the page shows those in which the chosen ones do."""
    table = parameter_table(study)
    rows = [
        _group_row(key, {run: [values[i], None] for run, values in table["rows"].items()})
        for i, key in enumerate(table["columns"])
    ]
    return {"title": "Parameters that differ", "note": "", "rows": rows, "differing": True}


def _group_row(
    heading: str, values: dict[str, list[Any]], key: str = "", direction: str = ""
) -> list[Any]:
    return [heading, key, direction, values]


def _finite(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None
