"""The page: one file that holds its style, its figures and its pictures, and asks for nothing."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from gfmn.reporting.display import REAL, Display, decimals_for, display, number
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.pictures import data_uri, jpeg_uri, real_images, sample_images
from gfmn.reporting.record import (
    cell_text,
    duration,
    durations,
    join,
    parameters,
    plain,
    provenance,
    statement,
)
from gfmn.reporting.results import Metrics, RunResult, Spread, Study, TableConfig
from gfmn.reporting.style import Drawing
from gfmn.reporting.tables import pairs_in_order

MERGED = ("n_reference", "paper_features")  # shown in the cell before
COLUMNS = {"hero": 10, "card": 8}  # images a row
IMAGES = {"hero": 60, "card": 40}
SHOWN = ("extractor", "taps", "generator", "objective", "batch", "steps", "lr")  # below a grid
PAPER_NAMES = {"table2": "Table 2", "table3": "Table 3", "table4": "Table 4"}


def write_page(
    study: Study,
    frames: Mapping[str, pd.DataFrame],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
    to: Path,
) -> None:
    """Write the page; `light` and `dark` are the same drawings in the two themes."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(render(study, frames, light, dark), encoding="utf-8")


def render(
    study: Study,
    frames: Mapping[str, pd.DataFrame],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
) -> str:
    """The page's HTML, the same text for the same study on the same packages."""
    files = resources.files("gfmn.reporting")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(files.joinpath("page.html").read_text(encoding="utf-8"))
    figures = [_figure(a, b) for a, b in zip(light, dark, strict=True)]
    tables = study.config.tables
    return template.render(
        css=files.joinpath("page.css").read_text(encoding="utf-8"),
        title=study.config.title,
        hero=_hero(study),
        facts=_facts(study),
        statement=statement(study),
        along=[f for f in figures if f["kind"] == "samples"],
        tables=[_table(study, name, table, frames[name]) for name, table in tables.items()],
        figures=figures,
        gallery=_gallery(study),
        beside=[_beside(study, name, table) for name, table in tables.items() if not table.paper],
        methods=paper_tables()["table4"],
        parameters=parameters(study),
        provenance=provenance(study),
        durations=durations(study),
    )


def _figure(light: Drawing, dark: Drawing) -> dict[str, Any]:
    return {
        "kind": light.kind,
        "table": light.table,
        "caption": light.caption,
        "alt": light.alt,
        "light": data_uri(light.png, "image/png"),
        "dark": data_uri(dark.png, "image/png"),
    }


def _hero(study: Study) -> dict[str, Any]:
    run = study.headline
    real = real_images(study, run.parameters.get("dataset"), IMAGES["hero"])
    made = sample_images(study, run.name, IMAGES["hero"])
    return {
        "run": run,
        "dataset": run.parameters.get("dataset"),
        "real": None if real is None else jpeg_uri(real, COLUMNS["hero"]),
        "made": None if made is None else jpeg_uri(made, COLUMNS["hero"]),
    }


def _facts(study: Study) -> list[tuple[str, str, str]]:
    """Key figures: what, how much, and of how many in which space."""
    run = study.headline
    facts = []
    if run.metrics:
        for score in _scores(run.metrics):
            facts.append((score["what"], score["value"], f"{score['key']}; {score['of']}"))
    real = study.real.get((str(run.parameters.get("dataset")), str(run.parameters["evaluator"])))
    if real:
        of = f"{real.evaluator}; {real.n_real:,} against {real.n_reference:,} other real images"
        for key, value in real.scores.items():
            if key.startswith("fd_") and not isinstance(value, Spread):
                text = number(value, decimals_for([value]))
                facts.insert(min(1, len(facts)), ("Real against real", text, f"{key}; {of}"))
    if run.model:
        many = f"{run.model.features:,}"
        facts.append(
            ("Matched features", many, f"of {len(run.model.taps)} taps, mean and variance")
        )
    seconds = study.timings.get(f"train-{run.name}", {}).get("seconds")
    if isinstance(seconds, int | float):
        detail = f"{run.parameters.get('steps'):,} steps of {run.parameters.get('batch'):,} images"
        facts.append(("Training", duration(seconds), detail))
    return facts


def _scores(metrics: Metrics) -> list[dict[str, str]]:
    of = (
        f"{metrics.evaluator}, {metrics.n_generated:,} generated against "
        f"{metrics.n_reference:,} real, seed {metrics.seed}"
    )
    found = []
    for key, value in metrics.scores.items():
        if isinstance(value, Spread):
            text = f"{number(value.mean, 2)} ± {number(value.std, 2)}"
        else:
            text = number(value, decimals_for([value]))
        facts = {"key": key, "what": _what(key), "value": text, "of": of}
        facts |= {"evaluator": metrics.evaluator, "n": f"{metrics.n_generated:,}"}
        found.append(facts)
    return sorted(found, key=lambda score: not score["key"].startswith("fd_"))


def _what(key: str) -> str:
    if key.startswith("fd_"):
        return "Fréchet distance"
    return "Inception-style score" if key.startswith("score_") else key


def _table(study: Study, name: str, config: TableConfig, frame: pd.DataFrame) -> dict[str, Any]:
    shown: Display = display(frame)
    groups = [("first", 1)]  # stays where a narrow screen hides the other settings
    for column in [c for c in shown.columns if c.key not in MERGED][1:]:
        if groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    rows = []
    for cells, (_, facts) in zip(shown.rows, frame.iterrows(), strict=True):
        run, note = str(facts["run"]), facts["note"]
        pairs = list(zip(shown.columns, cells, strict=True))
        rows.append(
            {
                "cells": [p for p in pairs if p[0].key not in MERGED],
                "real": run == REAL,
                "beyond": bool(facts["beyond"]),
                "status": str(facts["status"]),
                "note": cell_text(note),
                "evaluator": cell_text(facts["evaluator"]),
                "n": cell_text(facts["n_generated"]),
                "features": cell_text(facts.get("paper_features")),
                "against": cell_text(facts["n_reference"]),
            }
        )
    measured = [study.runs[run].metrics for run in config.rows]
    return {
        "name": name,
        "title": config.title,
        "paper": PAPER_NAMES.get(config.paper or ""),
        "columns": [(c, _what(c.head)) for c in shown.columns if c.key not in MERGED],
        "groups": groups,
        "rows": rows,
        "common": shown.common,
        "pairs": pairs_in_order(frame),
        "evaluators": join(m.evaluator for m in measured if m) if any(measured) else "",
        "sizes": sorted({m.resize for m in measured if m and m.resize}),
        "seeds": sorted({m.seed for m in measured if m}),
    }


def _card(study: Study, run: RunResult) -> dict[str, Any]:
    images = sample_images(study, run.name, IMAGES["card"])
    settings = {key: run.parameters[key] for key in SHOWN if key in run.parameters}
    return {
        "name": run.name,
        "status": run.status,
        "picture": None if images is None else jpeg_uri(images, COLUMNS["card"]),
        "settings": {key: plain(value) for key, value in settings.items()},
        "scores": _scores(run.metrics) if run.metrics else [],
    }


def _gallery(study: Study) -> list[dict[str, Any]]:
    """Runs by data set, in the tables' order, the data set's own images with them."""
    order = [name for table in study.config.tables.values() for name in table.rows]
    found: dict[str, list[RunResult]] = {}
    for name in dict.fromkeys([study.config.headline, *order]):
        run = study.runs[name]
        found.setdefault(str(run.parameters.get("dataset")), []).append(run)
    gallery = []
    for dataset, runs in found.items():
        real = real_images(study, dataset, 2 * IMAGES["card"])
        uri = None if real is None else jpeg_uri(real, COLUMNS["card"])
        cards = [_card(study, run) for run in runs]
        gallery.append({"dataset": dataset, "real": uri, "cards": cards})
    return gallery


def _beside(study: Study, name: str, table: TableConfig) -> dict[str, Any]:
    cards = [_card(study, study.runs[name]) for name in table.rows]
    keys = [key for key in SHOWN if len({card["settings"].get(key) for card in cards}) > 1]
    for card in cards:
        card["differs"] = {key: card["settings"].get(key, "") for key in keys}
    return {"name": name, "cards": cards}
