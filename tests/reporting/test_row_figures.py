"""Figures of a table's rows: distances by space, and beside the published ones of Table 4."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from builders.paper_tables import TABLE4, study_on, table4
from builders.synthetic_report import CONFIG, edit_scores, finished_report, make_report
from builders.synthetic_study import folder_of
from matplotlib.figure import Figure

from gfmn.reporting.figures import published_comparison, scores_by_row
from gfmn.reporting.figures.theme import LIGHT
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.results import Study


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are drawn from now on."""
    finished_report()  # is kept for all tests, so it must be made before
    found: list[Figure] = []

    def keep(figure: Figure, **options: Any) -> bytes:
        found.append(figure)
        return b""

    for module in (published_comparison, scores_by_row):
        monkeypatch.setattr(module, "to_png", keep)
    return found


def shown(figure: Figure) -> list[list[str]]:
    """The texts of each panel: its rows' values, which are drawn after the heading."""
    return [[text.get_text() for text in axes.texts][2:] for axes in figure.axes]


def study_with_table4(canonical: bool) -> Study:
    config = CONFIG.model_copy(update={"tables": {"table4": TABLE4}})
    return Study(**{**vars(study_on("cifar10", canonical)), "config": config})


def test_rows_have_a_panel_a_space_and_one_of_the_paper(figures: list[Figure]) -> None:
    report = finished_report()
    (drawing,) = scores_by_row.draw(report.study, report.tables, LIGHT)
    lite2, own, paper = shown(figures[0])
    frame = report.tables["table2"].runs
    assert [float(text.split(" ± ")[0]) for text in lite2] == [
        *(round(value) for value in frame["fd_lite2_5k"])
    ]
    assert [text for text in lite2 if "±" in text] == [lite2[3]]  # the run of three seeds
    assert len(own) == 2 and paper == ["82.8", "25.5", "18.1"]
    names = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert names == list(frame["run"])
    assert "Bars: standard deviation (n − 1) over seeds." in drawing.caption
    assert "distances in two feature spaces do not compare, orders do" in drawing.caption


def test_rows_of_one_seed_have_no_bars(tmp_path: Path, figures: list[Figure]) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for name in ("moment_matching-lite2", "moment_matching-own"):
        edit_scores(folder, name, lambda record: record.update(seeds=record["seeds"][:1]))
    report = make_report(folder, drawn=False)
    (drawing,) = scores_by_row.draw(report.study, report.tables, LIGHT)
    assert "Bars" not in drawing.caption
    assert not [text for panel in shown(figures[0]) for text in panel if "±" in text]


@pytest.mark.parametrize("canonical", [False, True])
def test_published_rows_are_on_an_axis_of_their_own(canonical: bool, figures: list[Figure]) -> None:
    study = study_with_table4(canonical)
    tables = {"table4": table4("cifar10", canonical)}
    (drawing,) = published_comparison.draw(study, tables, LIGHT)
    published, *ours = shown(figures[0])
    rows = [row.cifar10.fid5k for row in paper_tables()["table4"]]
    assert [float(text) for text in published] == sorted(filter(None, rows))
    assert [len(panel) for panel in ours] == [3, 1]
    axes = figures[0].axes
    for a in axes:
        assert a.get_shared_x_axes().get_siblings(a) == [a]
    only = "only those in inception compare, as far as"
    none = "distances in two feature spaces do not compare"
    assert (only in drawing.caption, none in drawing.caption) == (canonical, not canonical)
    assert "MoLM-1536 23.3" in drawing.alt


def test_table_without_scores_has_no_figure_of_rows(tmp_path: Path) -> None:
    report = make_report(tmp_path, drawn=False)
    assert not list(scores_by_row.draw(report.study, report.tables, LIGHT))
    assert not list(published_comparison.draw(report.study, report.tables, LIGHT))
