"""The page: complete in one file, each image once, and whatever a study says as text."""

import re
import shutil
from pathlib import Path

import pytest
from builders.report_figures import (
    FIGURES,
    configured,
    folder_with_interpolations,
    sections,
    study_with_figures,
)
from builders.synthetic_report import (
    PageReader,
    Report,
    edit_scores,
    finished_report,
    make_report,
    remove,
    report_of,
    scores_path,
)
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.page.render import render_page
from gfmn.reporting.reading import read_study

EVIL = '<script>alert("1")</script>&'


@pytest.fixture(scope="module")
def report() -> Report:
    return study_with_figures()


def test_page_loads_nothing_from_outside_itself(report: Report) -> None:
    for page in (report.page, finished_report().page):
        content = PageReader(page)
        assert len(content.addresses) > 20
        assert all(address.startswith(("data:image/", "#")) for address in content.addresses)
        anchors = {address[1:] for address in content.addresses if address.startswith("#")}
        assert anchors <= content.ids
        assert not content.tags & {"link", "iframe", "object", "embed", "base"}
        network = r"@import|url\(|https?://|fetch\(|XMLHttp|import\(|WebSocket"
        assert not re.search(network, page)
        assert len(page) < 2.5e6


def test_no_image_is_on_the_page_twice(report: Report) -> None:
    addresses = PageReader(report.page).addresses
    contents = [address for address in addresses if address.startswith("data:")]
    assert len(contents) > 40
    assert len(set(contents)) == len(contents)


def test_every_use_of_an_image_names_one_that_the_page_holds(report: Report) -> None:
    ids, used = PageReader(report.page).ids, re.findall(r'<use href="#([^"]+)"', report.page)
    assert len(used) > 20 and set(used) <= ids
    names = {"interpolations-encoder", "samples-moment_matching", "real-photos"}
    assert {f"image-{name}" for name in names} <= ids


def test_same_study_gives_the_same_page() -> None:
    study, tables, drawings, page = finished_report()
    assert render_page(study, tables, drawings, drawings) == page


def test_run_without_results_has_a_placeholder(report: Report) -> None:
    figure2, figure5 = (report.page.split(f'id="figure-{name}"')[1] for name in FIGURES)
    placeholder = re.compile(r'<div class="placeholder"><span>([^<]*)</span>')
    assert "not run" in placeholder.findall(figure2.split('id="figure-')[0])[0]
    assert "Run absent: not run" in placeholder.findall(figure5.split("</section>")[0])[0]
    assert "As the paper’s Figure 2" in figure2 and "As the paper’s Figure 5" in figure5


def test_images_name_their_seed() -> None:
    page = finished_report().page
    assert "run moment_matching, seed 0 of 0, 1, 2, not selected" in page
    assert "Run moment_matching, seed 0 of 0, 1, 2: the loss" in page
    neighbors = "8 of 1,000 samples of run moment_matching, seed 0 of 0, 1, 2, by their distance"
    assert page.count(neighbors) == 2
    assert "run encoder</span>" in page  # which has one seed


def test_status_of_runs_without_results_is_shown(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    remove(folder, "*taps5*", "moment_matching/seed-0*", "seed-0-*")
    scores_path(folder, "vgg16-lite2").unlink()
    for name in ("moment_matching-lite2", "moment_matching-own"):
        edit_scores(folder, name, lambda record: record.update(seeds=record["seeds"][1:]))
    page = make_report(folder, drawn=False).page
    assert {"not run", "trained, not scored"} <= set(PageReader(page).texts)
    assert "run moment_matching, seed 1 of 0, 1, 2, not selected" in page


def test_study_without_any_result_has_a_page(tmp_path: Path) -> None:
    page = make_report(tmp_path).page
    content = PageReader(page)
    assert "not run" in page and "There are no scores yet." in page and not content.scores
    assert not content.ids & {"scores", "memorization", "classes", "training", "gaps"}


def test_sections_of_figures_are_on_the_page_and_in_its_navigation() -> None:
    content = PageReader(finished_report().page)
    anchors = {"memorization", "classes", "training", "gaps"}
    assert anchors <= content.ids and {f"#{anchor}" for anchor in anchors} <= set(content.addresses)
    assert "Are samples copies of training images?" in content.texts


def test_report_without_tables_is_a_page_of_all_runs() -> None:
    config = ReportConfig.parse(None, "report")
    report = report_of(read_study(folder_of(False), config, **spaces()))
    content = PageReader(report.page)
    assert {"samples", "scores", "compare", "memorization", "provenance"} <= content.ids
    assert "table2" not in content.ids and report.tables == {}
    assert set(spaces()["runs"]) <= set(content.texts)


def test_whatever_a_study_says_is_text() -> None:
    rows = {"vgg16": {"note": EVIL, "paper": 3}, "encoder": {"paper": 0}}
    tables = {"table2": {"title": EVIL, "paper": "table2", "rows": rows}}
    figures = {"figure9": FIGURES["figure2"] | {"title": EVIL, "paper": EVIL}}
    config = configured(title=EVIL, headline="vgg16", tables=tables, figures=figures)
    evil = sections()
    evil["runs"] = {name: row | {"remark": EVIL} for name, row in evil["runs"].items()}
    study = read_study(folder_with_interpolations(), config, **evil)
    page = report_of(study, drawn=False).page
    assert page.count("<script") == 4  # the page's own three and their data
    assert "&lt;script&gt;alert(" in page and "<script>alert" not in page
