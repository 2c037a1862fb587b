"""The page: one file that holds its style, its figures and its pictures, and asks for nothing."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.album import Album
from gfmn.reporting.compare import comparison
from gfmn.reporting.display import Column, display
from gfmn.reporting.footnotes import beside_paper, compared, made, spreads
from gfmn.reporting.gallery import beside, gallery, large
from gfmn.reporting.hero import key_figures, opening
from gfmn.reporting.markdown import resizers
from gfmn.reporting.paper import (
    DATASETS,
    HALVES,
    PaperRow,
    paper_dataset,
    paper_tables,
    paper_title,
)
from gfmn.reporting.pictures import figure_uri
from gfmn.reporting.progress import progress_name
from gfmn.reporting.record import durations, parameters, provenance, statement
from gfmn.reporting.results import Study
from gfmn.reporting.sections import every_space, memorisation
from gfmn.reporting.style import Drawing
from gfmn.reporting.tables import Space, Table, pairs_in_order

UNDER = {  # column -> those that are shown small below it, where it is there, and their words
    "extractor": {"taps": "{} taps", "features": "{} features"},
    "generator": {"objective": "{}", "batch": "batch {}", "steps": "{} steps", "lr": "lr {}"},
    "paper_row": {"paper_features": "{} features"},
}
FIGURES = {"figure4": "Figure 4"}  # tables by name that are the paper's figures
SIDES = "Side by side"
PHOTOGRAPHS = ("samples", "strip", "progress")  # kinds of figures that hold images
STYLES = ("page.css", "print.css")
TEMPLATES = ("page.html", "parts.html")
SCRIPTS = ("page.js", "chart.js", "compare.js")  # the page can be read without them
NOT_SHOWN = ("strip", "grids")  # files for other documents; the page has their pictures itself


def write_page(
    study: Study,
    tables: Mapping[str, Table],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
    to: Path,
) -> None:
    """Write the page; `light` and `dark` are the same drawings in the two themes."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(render(study, tables, light, dark), encoding="utf-8")


def render(
    study: Study,
    tables: Mapping[str, Table],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
) -> str:
    """The page's HTML, the same text for the same study on the same packages."""
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({name: _text(name) for name in TEMPLATES}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = _breakable
    environment.globals["count"] = names.count
    config, album = study.config, Album(study)
    figures = [_figure(a, b) for a, b in zip(light, dark, strict=True) if a.kind not in NOT_SHOWN]
    return environment.get_template("page.html").render(
        css="".join(map(_text, STYLES)),
        scripts=[_text(name) for name in SCRIPTS],
        title=config.title,
        hero=opening(study, album),
        facts=key_figures(study),
        statement=statement(study),
        tables=[_table(study, album, name, tables[name]) for name in config.tables],
        figures=figures,
        paper_figures=[_paper_figure(study, album, figures, name) for name in config.figures],
        memorisation=memorisation(study, album),
        spaces=every_space(study),
        gallery=gallery(study, album),
        comparison=comparison(study, tables, album),
        album=album,
        methods=_methods(study),
        parameters=parameters(study),
        provenance=provenance(study),
        durations=durations(study),
    )


def _text(name: str) -> str:
    return resources.files("gfmn.reporting").joinpath(name).read_text(encoding="utf-8")


def _breakable(key: str) -> markupsafe.Markup:
    """A name that may be broken into lines behind its underscores."""
    return markupsafe.Markup("_<wbr>").join(key.split("_"))


def _figure(light: Drawing, dark: Drawing) -> dict[str, Any]:
    photographs = light.kind in PHOTOGRAPHS
    return {
        "name": light.name,
        "kind": light.kind,
        "table": light.table,
        "caption": light.caption,
        "alt": light.alt,
        "light": figure_uri(light.png, photographs=photographs),
        "dark": figure_uri(dark.png, photographs=photographs),
    }


def _paper_figure(
    study: Study, album: Album, figures: list[dict[str, Any]], name: str
) -> dict[str, Any]:
    """A figure of runs' pictures: what it is called, and its runs as cards."""
    config = study.config.figures[name]
    number = (config.paper or "").removeprefix("figure")
    drawn = {figure["name"]: figure for figure in figures if figure["kind"] == "progress"}
    shown = large(study, album, config)
    for card in shown["cards"]:
        card["figure"] = drawn.get(progress_name(config, name, card["name"]))
    return {
        "name": name,
        "kind": config.kind,
        "title": config.title,
        "as": f"As the paper’s Figure {number}" if number else "Beyond the paper",
        "short": f"Figure {number}" if number else config.title,
        **shown,
    }


def _table(study: Study, album: Album, name: str, table: Table) -> dict[str, Any]:
    config, shown = study.config.tables[name], display(table)
    keys = {column.key for column in shown.columns}
    below = {key: words for over in UNDER if over in keys for key, words in UNDER[over].items()}
    columns = [column for column in shown.columns if column.key not in below]
    groups = [("first", 1)]  # stays where a narrow screen hides the other settings
    for column in columns[1:]:
        if groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    rows = []
    for i, (_, facts) in enumerate(table.frame.iterrows()):
        kind = shown.kinds[i]
        side = "n_real" if kind == "real" else "n_generated"
        pairs = list(zip(shown.columns, shown.rows[i], strict=True))
        said = {
            column.key: below[column.key].format(cell.text)
            for column, cell in pairs
            if column.key in below and cell.text
        }
        rows.append(
            {
                "cells": [
                    (*pair, _value(facts, pair[0])) for pair in pairs if pair[0].key not in below
                ],
                "below": {
                    over: ", ".join(said[key] for key in words if key in said)
                    for over, words in UNDER.items()
                },
                "marks": shown.marks[i],
                "heading": shown.headings[i],
                "kind": kind,
                "run": facts["run"] if kind == "run" else "",
                "beyond": bool(facts["beyond"]),
                "scored": kind != "run" or study.runs[facts["run"]].scored,
                "n": {space.evaluator: facts[side + space.suffix] for space in table.spaces},
            }
        )
    short = paper_title(config.paper) if config.paper else FIGURES.get(name, "")
    sampling = dict.fromkeys(one for space in table.spaces for one in space.sampling)
    notes = [spreads(table.frame, shown.columns), made(table.how, shown.columns)]
    if config.paper and any(space.canonical for space in table.spaces):
        notes.append(f"Beside the paper, {compared(study, table)}")
    notes += beside_paper(table)
    return {
        "name": name,
        "title": config.title,
        "short": short or config.title,
        "beside": f"{'Beside' if config.paper else 'As'} the paper’s {short}" if short else SIDES,
        "data": DATASETS[paper_dataset(config.paper or "")],
        "cards": [] if config.paper else beside(study, album, config),
        "columns": columns,
        "groups": groups,
        "rows": rows,
        "common": shown.common,
        "counts": shown.counts,
        "distance": table.distance,
        "pairs": pairs_in_order(table.frame, table.distance),
        "spaces": [_space(space) for space in table.spaces],
        "resizers": resizers(table) if table.spaces else "",
        "sampling": "; ".join(sampling),
        "notes": [note for note in notes if note],
    }


def _value(facts: "pd.Series[Any]", column: Column) -> float | None:
    """What a cell is sorted by, where that is a number."""
    value = facts[column.key]
    return float(value) if column.numeric and not pd.isna(value) else None


def _methods(study: Study) -> Sequence[PaperRow]:
    """The methods of the paper's Table 4, where no table of the study has them as rows."""
    shown = any(table.published and table.paper in HALVES for table in study.config.tables.values())
    return () if shown else paper_tables()["table4"]


def _space(space: Space) -> str:
    if space.canonical:
        return "in FID’s Inception"
    return f"in {space.evaluator}{', trained here' if space.in_domain else ''}"
