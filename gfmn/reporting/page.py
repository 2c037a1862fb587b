"""The page: one file that holds its style, its figures and its pictures, and asks for nothing."""

from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from gfmn.reporting import names
from gfmn.reporting.display import decimals_for, display, number
from gfmn.reporting.footnotes import compared, made, spreads
from gfmn.reporting.markdown import resizers
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.pictures import data_uri, jpeg_uri, real_images, sample_images
from gfmn.reporting.record import (
    duration,
    durations,
    parameters,
    plain,
    provenance,
    statement,
)
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import RunResult, Study, TableConfig
from gfmn.reporting.sections import every_space, memorisation
from gfmn.reporting.style import Drawing
from gfmn.reporting.summary import REAL, summaries
from gfmn.reporting.tables import Space, Table, pairs_in_order

UNDER = {  # column -> those that are shown small below it, where it is there, and their words
    "extractor": {"taps": "{} taps", "features": "{} features"},
    "generator": {"objective": "{}", "batch": "batch {}", "steps": "{} steps", "lr": "lr {}"},
    "paper_row": {"paper_features": "{} features"},
}
COLUMNS = {"hero": 10, "card": 8}  # images a row
IMAGES = {"hero": 60, "card": 40}
SHOWN = ("extractor", "taps", "generator", "objective", "batch", "steps", "lr")  # below a grid
PAPER_NAMES = {"table2": "Table 2", "table3": "Table 3", "table4": "Table 4"}


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
    files = resources.files("gfmn.reporting")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["breakable"] = _breakable
    environment.globals["count"] = names.count
    template = environment.from_string(files.joinpath("page.html").read_text(encoding="utf-8"))
    configs = study.config.tables
    return template.render(
        css=files.joinpath("page.css").read_text(encoding="utf-8"),
        title=study.config.title,
        hero=_hero(study),
        facts=_facts(study),
        statement=statement(study),
        tables=[_table(study, name, config, tables[name]) for name, config in configs.items()],
        figures=[_figure(a, b) for a, b in zip(light, dark, strict=True)],
        memorisation=memorisation(study),
        spaces=every_space(study),
        gallery=_gallery(study),
        beside=[_beside(study, name, table) for name, table in configs.items() if not table.paper],
        methods=paper_tables()["table4"],
        parameters=parameters(study),
        provenance=provenance(study),
        durations=durations(study),
    )


def _breakable(key: str) -> markupsafe.Markup:
    """A name that may be broken into lines behind its underscores."""
    return markupsafe.Markup("_<wbr>").join(key.split("_"))


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
        "run": run.name + run.which(run.shown.seed),
        "status": run.status,
        "dataset": run.parameters.get("dataset"),
        "real": None if real is None else jpeg_uri(real, COLUMNS["hero"]),
        "made": None if made is None else jpeg_uri(made, COLUMNS["hero"]),
    }


def _facts(study: Study) -> list[tuple[str, str, str]]:
    """Key figures: what, how much, and of how many in which space."""
    run = study.headline
    facts = []
    main = next((found for name in study.evaluators if (found := run.scores(name))), None)
    if main:
        real = study.real.get((main.dataset, main.evaluator))
        for score in _scores(main, ("fid", "fd", "is", "score")):
            of = ", ".join(filter(None, (score["of"], score["over"])))
            facts.append((score["what"], score["value"], f"{score['key']}; {of}"))
            if real and len(facts) == 1 and score["key"] in real.seeds[0].scores:
                value = real.seeds[0].scores[score["key"]].value
                text = number(value, decimals_for([value]))
                of = f"{real.evaluator}; {real.n:,} against {real.n_reference:,} other real images"
                facts.append(("Real against real", text, f"{score['key']}; {of}"))
    if run.model:
        many = f"{run.model.features:,}"
        facts.append(
            ("Matched features", many, f"of {len(run.model.taps)} taps, mean and variance")
        )
    seconds = study.timings.get(f"train-{run.name}", {}).get("seconds")
    if isinstance(seconds, int | float):
        detail = f"{run.parameters.get('steps'):,} steps of {run.parameters.get('batch'):,} images"
        several = f"{len(run.seeds)} seeds, each of " if len(run.seeds) > 1 else ""
        facts.append(("Training", duration(seconds), several + detail))
    return facts


def _scores(scores: RunScores, kinds: Collection[str]) -> list[dict[str, str]]:
    """The first score of each of these kinds, as text with what it is of."""
    seeds = f"{len(scores.seeds)} seeds, each " if len(scores.seeds) > 1 else ""
    found: dict[str, dict[str, str]] = {}
    for key, one in summaries(scores).items():
        kind = names.kind(key)
        if kind in kinds and kind not in found:
            n = names.count(key) or scores.n
            places = names.PLACES.get(kind) or decimals_for([one.value])
            spread = "" if one.std is None else f" ± {number(one.std, places)}"
            found[kind] = {
                "key": key,
                "what": names.what(key),
                "value": number(one.value, places) + spread,
                "of": f"{scores.evaluator}, {seeds}{n:,} generated against "
                f"{scores.n_reference:,} real",
                "over": f"± over {one.over}" if spread and one.over else "",
                "evaluator": scores.evaluator,
                "n": f"{n:,}",
            }
    return list(found.values())


def _table(study: Study, name: str, config: TableConfig, table: Table) -> dict[str, Any]:
    shown = display(table)
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
    for cells, marks, (_, facts) in zip(
        shown.rows, shown.marks, table.frame.iterrows(), strict=True
    ):
        run = str(facts["run"])
        side = "n_real" if run == REAL else "n_generated"
        pairs = list(zip(shown.columns, cells, strict=True))
        said = {
            column.key: below[column.key].format(cell.text)
            for column, cell in pairs
            if column.key in below and cell.text
        }
        rows.append(
            {
                "cells": [pair for pair in pairs if pair[0].key not in below],
                "below": {
                    over: ", ".join(said[key] for key in words if key in said)
                    for over, words in UNDER.items()
                },
                "marks": marks,
                "real": run == REAL,
                "beyond": bool(facts["beyond"]),
                "scored": run == REAL or study.runs[run].scored,
                "n": {space.evaluator: facts[side + space.suffix] for space in table.spaces},
            }
        )
    sampling = dict.fromkeys(one for space in table.spaces for one in space.sampling)
    notes = [spreads(table.frame, shown.columns), made(table.how, shown.columns)]
    if config.paper and any(space.canonical for space in table.spaces):
        notes.append(f"Beside the paper, {compared(study, table)}")
    return {
        "name": name,
        "title": config.title,
        "paper": PAPER_NAMES.get(config.paper or ""),
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


def _space(space: Space) -> str:
    if space.canonical:
        return "in FID’s Inception"
    return f"in {space.evaluator}{', trained here' if space.in_domain else ''}"


def _card(study: Study, run: RunResult) -> dict[str, Any]:
    images = sample_images(study, run.name, IMAGES["card"])
    settings = {key: run.parameters[key] for key in SHOWN if key in run.parameters}
    spaces = [found for name in study.evaluators if (found := run.scores(name))]
    scores = _scores(spaces[0], ("fid", "fd", "is", "score")) if spaces else []
    for other in spaces[1:2]:
        scores += _scores(other, names.DISTANCES)
    said = [score["of"] for score in scores] + [score["over"] for score in scores]
    return {
        "name": run.name,
        "status": run.status,
        "which": run.which(run.shown.seed),
        "picture": None if images is None else jpeg_uri(images, COLUMNS["card"]),
        "settings": {key: plain(value) for key, value in settings.items()},
        "scores": scores,
        "of": "; ".join(filter(None, dict.fromkeys(said))),
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
