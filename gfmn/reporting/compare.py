"""What the page holds of each run so that a reader can lay any of them side by side."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import markupsafe

from gfmn.reporting.album import Album
from gfmn.reporting.curves import curves, looks
from gfmn.reporting.display import display
from gfmn.reporting.figures import matched
from gfmn.reporting.gallery import SHOWN, order
from gfmn.reporting.record import parameters, plain
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.sections import every_space, nearest
from gfmn.reporting.tables import Table

CHOSEN = 4  # runs that are side by side at first, at most


def comparison(study: Study, tables: Mapping[str, Table], album: Album) -> markupsafe.Markup | None:
    """Curves, scores, parameters and pictures' names of every run as JSON; None for one run alone.

    The pictures themselves are the album's. No text in it can end the element that holds it.
    """
    runs = order(study)
    if len(runs) < 2:
        return None
    features = list(dict.fromkeys(matched(run) for run in runs))
    data = {
        "runs": [
            _run(study, run, album) | look | {"matched": features.index(matched(run))}
            for run, look in zip(runs, looks(study, runs), strict=True)
        ],
        "groups": [*_scores(study), *_beside_paper(study, tables), _parameters(study)],
        "chosen": _chosen(study, runs),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return markupsafe.Markup(text.replace("<", "\\u003c"))


def _chosen(study: Study, runs: list[RunResult]) -> list[str]:
    """The first table's runs that left something behind, and where those are few, others."""
    first = next(iter(study.config.tables.values())).rows if study.config.tables else {}
    there = [run.name for run in runs if run.model or run.scored]
    mine = [name for name in first if name in there]
    return (mine if len(mine) > 1 else there)[:CHOSEN]


def _run(study: Study, run: RunResult, album: Album) -> dict[str, Any]:
    near = nearest(study, album, run)
    pictures = {
        "samples": album.samples(run.name),
        "between": album.between(run.name),
        "near": near["picture"] if near else None,
    }
    settings = {key: run.parameters.get(key) for key in ("dataset", *SHOWN)}
    words = [f"{key}={plain(value)}" for key, value in settings.items() if value is not None]
    return {
        "name": run.name,
        "status": run.status,
        "words": " ".join([run.name, *words, run.status]),
        "curves": curves(run),
        "pictures": {kind: one.name for kind, one in pictures.items() if one},
    }


def _scores(study: Study) -> Iterator[dict[str, Any]]:
    """A group a space: how many images, then each score as text and as a number.

    A score that has nothing to do with the space, as of pixels, stands in the first alone.
    """
    seen: set[str] = set()
    for space in every_space(study):
        rows = [row for row in space["rows"] if not row["real"]]
        counts = {
            row["run"]: [f"{row['n']:,} against {row['against']:,} real", None] for row in rows
        }
        group = [_row("Images", "", "", counts)]
        for i, column in enumerate(space["columns"]):
            if column.key in seen:
                continue
            seen.add(column.key)
            cells = {row["run"]: (row["cells"][i][1], row["values"]) for row in rows}
            values = {
                run: [cell.whole, _finite(of[column.key])]
                for run, (cell, of) in cells.items()
                if cell.text
            }
            group.append(_row(column.head, column.key, column.best, values))
        yield {"title": f"In {space['evaluator']}", "note": space["resizer"], "rows": group}


def _beside_paper(study: Study, tables: Mapping[str, Table]) -> Iterator[dict[str, Any]]:
    """A group a table of the paper's: what it has beside each run."""
    for name, config in study.config.tables.items():
        shown = display(tables[name])
        group = []
        for i, column in enumerate(shown.columns):
            if column.group in ("paper", "difference"):
                runs = zip(tables[name].frame["run"], shown.rows, strict=True)
                values = {
                    run: [row[i].whole, None]
                    for run, row in runs
                    if run in config.rows and row[i].text
                }
                of = "Difference, " if column.key.startswith("difference_") else ""
                group.append(_row(of + column.head, "", "", values))
        if any(row[-1] for row in group):
            yield {"title": f"The paper beside “{config.title}”", "note": "", "rows": group}


def _parameters(study: Study) -> dict[str, Any]:
    """Parameters in which any two runs differ; the page shows those in which the chosen ones do."""
    found = parameters(study)
    rows = [
        _row(key, "", "", {run: [values[i], None] for run, values in found["rows"].items()})
        for i, key in enumerate(found["columns"])
    ]
    return {"title": "Parameters that differ", "note": "", "rows": rows, "differing": True}


def _row(head: str, key: str, best: str, values: dict[str, list[Any]]) -> list[Any]:
    return [head, key, best, values]


def _finite(value: float) -> float | None:
    return float(f"{value:.7g}") if math.isfinite(value) else None
