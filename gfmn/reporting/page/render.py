"""The page: one HTML file that holds its style, its figures and its images, and loads nothing."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from gfmn.reporting.figures.drawing import Drawing
from gfmn.reporting.figures.sections import Section, figure_section
from gfmn.reporting.formatting import join
from gfmn.reporting.memorization import other_real_images, own_evaluations
from gfmn.reporting.page.comparison import comparison_data
from gfmn.reporting.page.header import Comparability, comparability, header
from gfmn.reporting.page.image_store import ImageStore, figure_uri
from gfmn.reporting.page.provenance import durations, parameter_table, provenance
from gfmn.reporting.page.run_cards import figure_cards, gallery, headline_neighbors
from gfmn.reporting.page.score_tables import all_score_tables, report_table
from gfmn.reporting.paper import HALVES, PaperRow, paper_tables
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

STYLES = ("page.css", "print.css")
TEMPLATES = ("page.html", "macros.html", "comparability.html")
SCRIPTS = ("page.js", "chart.js", "compare.js")  # the page can be read without them


def write_page(
    study: Study,
    tables: Mapping[str, Table],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
    path: Path,
) -> None:
    """Write the page; `light` and `dark` are the same drawings in the two themes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_page(study, tables, light, dark), encoding="utf-8")


def render_page(
    study: Study,
    tables: Mapping[str, Table],
    light: Sequence[Drawing],
    dark: Sequence[Drawing],
) -> str:
    """The page's HTML, the same text for the same study on the same packages."""
    store = ImageStore(study)
    figures = [_figure(a, b) for a, b in zip(light, dark, strict=True) if a.section]
    return (
        _environment()
        .get_template("page.html")
        .render(
            css="".join(map(_read, STYLES)),
            scripts=[_read(name) for name in SCRIPTS],
            title=study.config.title,
            header=header(study, store),
            comparability=markupsafe.Markup(render_comparability(comparability(study))),
            tables=[report_table(study, store, name, tables[name]) for name in study.config.tables],
            figures=figures,
            figure_sections=_figure_sections(light),
            paper_figures=[_paper_figure(study, store, name) for name in study.config.figures],
            neighbors=headline_neighbors(study, store),
            other_real_images=_other_real_images(study),
            spaces=all_score_tables(study),
            gallery=gallery(study, store),
            comparison=comparison_data(study, tables, store),
            store=store,
            methods=_methods(study),
            parameters=parameter_table(study),
            provenance=provenance(study),
            durations=durations(study),
        )
    )


def render_comparability(facts: Comparability) -> str:
    """What compares with the paper's numbers, and why, as HTML."""
    return _environment().get_template("comparability.html").render(facts=facts)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({name: _read(name) for name in TEMPLATES}),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["join_words"] = join
    return environment


def _read(name: str) -> str:
    return resources.files("gfmn.reporting.page").joinpath(name).read_text(encoding="utf-8")


def _breakable(key: str) -> markupsafe.Markup:
    """A name that may break into lines after its underscores."""
    return markupsafe.Markup("_<wbr>").join(key.split("_"))


def _figure(light: Drawing, dark: Drawing) -> dict[str, Any]:
    assert light.section is not None
    return {
        "anchor": light.section.anchor,
        "run": light.run,
        "caption": light.caption,
        "alt": light.alt,
        "light": figure_uri(light.png, has_images=light.has_images),
        "dark": figure_uri(dark.png, has_images=dark.has_images),
    }


def _figure_sections(drawings: Sequence[Drawing]) -> list[Section]:
    """The page's sections that hold figures alone, in the order of their first figures."""
    sections = dict.fromkeys(drawing.section for drawing in drawings)
    return [section for section in sections if section and section.heading]


def _paper_figure(study: Study, store: ImageStore, name: str) -> dict[str, Any]:
    """A figure of runs: its titles, and its runs as cards."""
    config = study.config.figures[name]
    number = (config.paper or "").removeprefix("figure")
    return {
        "anchor": figure_section(name).anchor,
        "kind": config.kind,
        "title": config.title,
        "relation": f"As the paper’s Figure {number}" if number else "Beyond the paper",
        "label": f"Figure {number}" if number else config.title,
        **figure_cards(study, store, config),
    }


def _other_real_images(study: Study) -> str:
    """What samples are compared with where their distances to training images were measured."""
    for run in (study.headline, *study.runs.values()):
        for _, scores in own_evaluations(study, run):
            return other_real_images(study, scores.dataset, scores.evaluator)
    return ""


def _methods(study: Study) -> Sequence[PaperRow]:
    """The methods of the paper's Table 4, where no table of the study has them as rows."""
    tables = study.config.tables.values()
    shown = any(table.published and table.paper in HALVES for table in tables)
    return () if shown else paper_tables()["table4"]
