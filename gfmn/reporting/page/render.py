"""The pages: `index.html`, which holds everything and loads nothing, and `runs/<run>.html`."""

import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import vl_convert
from markupsafe import Markup

from gfmn.common import paths
from gfmn.reporting.caveats import caveats, collapsed
from gfmn.reporting.figures.figure import Figure
from gfmn.reporting.figures.pictures import pictures
from gfmn.reporting.figures.training import curves, histories
from gfmn.reporting.findings import find
from gfmn.reporting.formatting import flatten, format_value
from gfmn.reporting.page import images
from gfmn.reporting.page.facts import comparability, durations, parameter_table, provenance
from gfmn.reporting.page.score_tables import all_scores, plain_table, report_table
from gfmn.reporting.paper import paper_title
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.score_means import score_means
from gfmn.reporting.tables.files import table_notes
from gfmn.reporting.tables.orders import order_notes
from gfmn.reporting.tables.table import Table


def write_pages(
    study: Study, tables: Mapping[str, Table], figures: Sequence[Figure], folder: Path
) -> None:
    """Write `index.html` and, a page a run, `runs/` with the script that they share."""
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(render_index(study, tables, figures), encoding="utf-8")
    (folder / "runs/charts.js").write_text(_charts_script(), encoding="utf-8")
    for run in study.runs.values():
        page = render_run(study, run)
        (folder / "runs" / f"{run.name}.html").write_text(page, encoding="utf-8")


def render_index(study: Study, tables: Mapping[str, Table], figures: Sequence[Figure]) -> str:
    """The page's HTML, the same text for the same study on the same packages."""
    run = study.headline
    thumbnails = {name: images.thumbnail(study, name) for name in study.runs}
    parameters = parameter_table(study)
    frames = {r.name: found for r in study.runs.values() if (found := images.frames(study, r))}
    return (
        _environment()
        .get_template("index.html")
        .render(
            css=_read("page.css"),
            charts_script=Markup(_charts_script().replace("</script", "<\\/script")),
            script=Markup(_read("page.js")),
            study=study,
            headline=run,
            real=images.real(study, run.dataset),
            samples=images.samples(study, run.name),
            findings=find(study, tables),
            thumbnails=thumbnails,
            tables=[_table(study, name, tables[name]) for name in study.config.tables],
            figures=figures,
            pictures=[(one, images.png_uri(one.png)) for one in pictures(study) if one.section],
            folded={one.section: one.heading for one in figures if one.heading},
            specs=_json({figure.name: figure.specs() for figure in figures}),
            frames=_json(frames),
            shown=frames,
            gallery=_gallery(study),
            collapsed={name: collapsed(run) for name, run in study.runs.items()},
            neighbors=images.neighbors(study, run),
            comparability=comparability(study),
            scores=all_scores(study),
            parameters=plain_table(parameters),
            provenance=provenance(study),
            durations=plain_table(durations(study)),
        )
    )


def render_run(study: Study, run: RunResult) -> str:
    """One run: how to build and use it, what is its own, its images and curves."""
    panels = curves(study, histories(study, [run.name]))
    flat, defaults = flatten(run.parameters), flatten(study.defaults)
    own = {key: value for key, value in flat.items() if defaults.get(key) != value}
    rows = {
        (evaluation.evaluator, key): f"{mean.value:,.5g}"
        + (f" ± {mean.std:,.3g} over {mean.over}" if mean.std is not None else "")
        for evaluation in run.evaluations
        if evaluation.scores
        for key, mean in score_means(evaluation.scores).items()
    }
    scores = pd.DataFrame({"space": [a for a, _ in rows], "value": rows.values()})
    scores.index = pd.Index([key for _, key in rows])
    return (
        _environment()
        .get_template("run.html")
        .render(
            css=_read("page.css"),
            script=Markup(_read("page.js")),
            study=study,
            run=run,
            folder=paths.model(run.name, run.shown_seed.seed),
            targets=[f"evaluate@{one.name}" for one in run.evaluations] or [f"train@{run.name}"],
            samples=images.samples(study, run.name, 8),
            walks=images.walks(study, run.name),
            neighbors=images.neighbors(study, run),
            own={key: value for key, value in own.items() if key != "seeds"},
            every=flat,
            scores=plain_table(scores) if len(scores) else "",
            collapsed=collapsed(run),
            caveats=caveats(run),
            specs=_json({"curves": [one.to_dict() | {"width": "container"} for one in panels]}),
            curves=len(panels),
        )
    )


def _table(study: Study, name: str, table: Table) -> dict[str, Any]:
    config = study.config.tables[name]
    return {
        "name": name,
        "title": config.title,
        "relation": f"As the paper’s {paper_title(config.paper)}" if config.paper else "",
        "html": report_table(study, table),
        "orders": order_notes(study, table),
        "notes": table_notes(study, table),
    }


def _gallery(study: Study) -> list[tuple[str, str | None, list[tuple[RunResult, str | None]]]]:
    """By data set: its name, real images, its runs with their samples."""
    by_dataset: dict[str, list[RunResult]] = {}
    for run in study.runs.values():
        by_dataset.setdefault(run.dataset, []).append(run)
    return [
        (name, images.real(study, name), [(run, images.samples(study, run.name)) for run in runs])
        for name, runs in by_dataset.items()
    ]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["value"] = format_value
    return environment


def _read(name: str) -> str:
    return resources.files("gfmn.reporting.page").joinpath(name).read_text(encoding="utf-8")


def _charts_script() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package that draws the PNGs."""
    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub is wrong


def _json(data: Any) -> Markup:
    """JSON that no text in it can end the element of."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
