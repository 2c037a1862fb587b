"""The report of the synthetic study: its tables, its figures and its page, read back."""

import shutil
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from builders.score_files import read_record, write_record
from builders.synthetic_study import TAPS, folder_of, spaces

from gfmn.common import paths
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.figures import draw_figures
from gfmn.reporting.figures.figure import Figure
from gfmn.reporting.page.render import render_index
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table, make_table

REPORT: dict[str, Any] = {
    "title": "Small tables on photographs",
    "headline": "moment_matching",
    "tables": {
        "table2": {
            "title": "Feature extractors",
            "paper": "table2",
            "rows": {
                "encoder": {"paper": 0},
                "vgg16": {"paper": 3},
                "vgg16_lite0": {"paper": 5},
                "moment_matching": {"beyond": True, "note": "moments kept as averages"},
            },
        },
        "table3": {
            "title": "How many layers are matched",
            "paper": "table3",
            "rows": {f"taps{n}": {"paper": (n - 1) // 2} for n in TAPS} | {"vgg16": {"paper": 6}},
        },
        "figure4": {
            "title": "Moving averages and minibatches",
            "paper": None,
            "rows": {"ma64": {}, "ma256": {}, "encoder": {}, "ama256": {}},
        },
    },
}
CONFIG = ReportConfig.parse(REPORT, "params.yaml: report")


class Report(NamedTuple):
    """A study and its report."""

    study: Study
    tables: dict[str, Table]
    figures: list[Figure]
    page: str


class PageReader(HTMLParser):
    """A page's addresses, tags and ids, and its texts but those of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self._open = ""
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        attributes = dict(attrs)
        self.ids.add(attributes.get("id") or "")
        for key in ("src", "srcset", "href", "action", "data", "poster"):
            self.addresses += [attributes[key] or ""] if key in attributes else []
        self._open = tag

    def handle_data(self, data: str) -> None:
        shown = data.strip() and self._open not in ("script", "style")
        self.texts += [data.strip()] if shown else []


def read_synthetic(folder: Path, canonical: bool = False) -> Study:
    """The results in a folder, with the synthetic study's parameters and report."""
    return read_study(folder, CONFIG, **spaces(canonical))


def make_report(folder: Path, canonical: bool = False, drawn: bool = True) -> Report:
    """The report of a study's folder, with its figures or without them."""
    return report_of(read_synthetic(folder, canonical), drawn)


def report_of(study: Study, drawn: bool = True) -> Report:
    """The report of a study, with its figures or without them."""
    tables = {name: make_table(study, table) for name, table in study.config.tables.items()}
    figures = draw_figures(study, tables) if drawn else []
    return Report(study, tables, figures, render_index(study, tables, figures))


@cache
def finished_report(canonical: bool = False) -> Report:
    """The report of the whole study, made once for all tests."""
    return make_report(folder_of(canonical), canonical)


def scores_path(folder: Path, name: str) -> Path:
    """The file of an evaluation's scores in a study's folder."""
    return folder / paths.scores(name)


def edit_scores(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record of an evaluation's scores."""
    path = scores_path(folder, name)
    record = read_record(path)
    change(record)
    write_record(path, record)


def remove(folder: Path, *patterns: str) -> None:
    """Delete the files and folders that match."""
    for path in [path for pattern in patterns for path in folder.rglob(pattern)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
