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
from gfmn.reporting import images
from gfmn.reporting.caveats import caveats, collapsed
from gfmn.reporting.figures.figure import Figure
from gfmn.reporting.figures.pictures import pictures
from gfmn.reporting.figures.training import curves, histories
from gfmn.reporting.findings import find
from gfmn.reporting.formatting import flatten
from gfmn.reporting.page import facts
from gfmn.reporting.page.score_tables import all_scores, plain_table, report_table
from gfmn.reporting.paper import paper_title
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.notes import table_notes
from gfmn.reporting.tables.orders import order_notes
from gfmn.reporting.tables.table import Table

CALLED = (caveats, collapsed, order_notes, paper_title, report_table, table_notes)
FUNCTIONS = {one.__name__: one for one in CALLED}


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
    frames = {r.name: found for r in study.runs.values() if (found := images.frames(study, r))}
    return _render(
        "index.html",
        study=study,
        headline=study.headline,
        charts_script=Markup(_charts_script().replace("</script", "<\\/script")),
        findings=find(study, tables),
        tables=tables,
        figures=figures,
        pictures=[(one, images.png_uri(one.png)) for one in pictures(study) if one.section],
        folded={one.section: one.heading for one in figures if one.heading},
        specs=_json({figure.name: figure.specs() for figure in figures}),
        frames=_json(frames),
        shown=frames,
        comparability=facts.comparability(study),
        scores=all_scores(study),
        parameters=plain_table(facts.parameter_table(study)),
        provenance=facts.provenance(study),
        costs=plain_table(facts.costs(study)),
        durations=plain_table(facts.durations(study)),
    )


def render_run(study: Study, run: RunResult) -> str:
    """One run: how to build and use it, what is its own, its images and curves."""
    panels = curves(study, histories(study, [run.name]))
    flat, defaults = flatten(run.parameters), flatten(study.defaults)
    own = {key: value for key, value in flat.items() if defaults.get(key) != value}
    files = [evaluation.scores for evaluation in run.evaluations if evaluation.scores]
    scores = pd.DataFrame({"space": [], "value": []})
    for file in files:
        means, values = file.means, file.means["value"].map("{:,.5g}".format)
        std = (" ± " + means["std"].map("{:,.3g} over ".format) + means["over"]).fillna("")
        scores = pd.concat([scores, pd.DataFrame({"space": file.evaluator, "value": values + std})])
    return _render(
        "run.html",
        study=study,
        run=run,
        folder=paths.model(run.name, run.shown_seed.seed),
        targets=[f"evaluate@{one.name}" for one in run.evaluations] or [f"train@{run.name}"],
        own={key: value for key, value in own.items() if key != "seeds"},
        every=flat,
        scores=plain_table(scores) if files else "",
        specs=_json({"curves": [one.to_dict() | {"width": "container"} for one in panels]}),
        curves=len(panels),
    )


def _render(name: str, **values: Any) -> str:
    """A template with these values, which calls `FUNCTIONS` and what `images` has."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    values |= {"css": _read("page.css"), "script": Markup(_read("page.js")), "images": images}
    return environment.get_template(name).render(FUNCTIONS | values)


def _read(name: str) -> str:
    return resources.files("gfmn.reporting.page").joinpath(name).read_text(encoding="utf-8")


def _charts_script() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, from the package that draws the PNGs."""
    return str(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # its stub is wrong


def _json(data: Any) -> Markup:
    """JSON that no text in it can end the element of."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
