"""The pages: complete in one file, a page a run, and whatever a study says as text."""

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
from gfmn.reporting.page.render import render_index, render_run, write_pages
from gfmn.reporting.reading import read_study

EVIL = '<script>alert("1")</script>&'


@pytest.fixture(scope="module")
def report() -> Report:
    return study_with_figures()


def without_charts_script(page: str) -> str:
    """The page without Vega's own code."""
    return re.sub(r"<script>const n=.*?</script>", "", page, flags=re.S)


def test_page_loads_nothing_and_links_only_to_its_runs(report: Report) -> None:
    content = PageReader(report.page)
    assert len(content.addresses) > 20
    links = [one for one in content.addresses if not one.startswith(("data:image/", "#"))]
    assert set(links) <= {f"runs/{run}.html" for run in report.study.runs}
    anchors = {address[1:] for address in content.addresses if address.startswith("#")}
    assert anchors - {""} <= content.ids
    assert not content.tags & {"link", "iframe", "object", "embed", "base"}
    own = without_charts_script(report.page)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\(|WebSocket", own)
    assert len(own) < 2.5e6


def test_same_study_gives_the_same_page(report: Report) -> None:
    assert render_index(report.study, report.tables, report.figures) == report.page


def test_every_run_has_a_page_with_what_is_its_own(report: Report, tmp_path: Path) -> None:
    write_pages(report.study, report.tables, [], tmp_path)
    pages = {path.stem for path in (tmp_path / "runs").glob("*.html")}
    assert pages == set(report.study.runs)
    page = (tmp_path / "runs/moment_matching.html").read_text()
    texts = PageReader(page).texts
    for text in ("objective", "fd_lite2_5k", "Scores", "What is its own"):
        assert text in texts
    assert "dvc repro evaluate@moment_matching-lite2 evaluate@moment_matching-own" in page
    assert 'gfmn.load("data/models/moment_matching/seed-0")' in page.replace("&#34;", '"')
    assert "../../data/models/moment_matching/seed-2/generator.safetensors" in page
    assert (tmp_path / "runs/charts.js").stat().st_size > 5e5


def test_what_a_run_has_from_the_defaults_is_not_its_own() -> None:
    defaults = {"batch": 64, "lr": 0.0002, "ama": {"rate": 0.1}}
    study = read_study(folder_of(False), configured(figures={}), **spaces(), defaults=defaults)
    page = render_run(study, study.runs["moment_matching"])
    own = page.split("What is its own")[1].split("</dl>")[0]
    assert "<dt>lr</dt><dd>0.0005</dd>" in own and "<dt>batch</dt>" not in own


def test_run_without_results_says_why(report: Report) -> None:
    texts = PageReader(report.page).texts
    assert any(text.startswith("not run") for text in texts)
    assert "not run" in render_run(report.study, report.study.runs["absent"])


def test_tables_have_every_main_score_and_the_best_in_bold(report: Report) -> None:
    table = report.page.split('<section id="table2">')[1].split("</table>")[0]
    keys = [key for space in report.tables["table2"].spaces for key in space.scores]
    shown = set(re.findall(r"<small>(\w+)</small>", table.replace("<wbr>", "")))
    assert {"fd_lite2_5k", "recall_lite2_5k", "fd_own_5k"} <= shown <= set(keys)
    assert not [key for key in shown if key.startswith("kd") or key.endswith("inf")]
    best = re.findall(r'<td class="[^"]*run best[^"]*"\s*>([^<]*)', table)
    frame = report.tables["table2"].runs
    assert f"{frame['fd_lite2_5k'].min():.1f}" in best


def test_every_score_is_in_the_details(report: Report) -> None:
    details = report.page.split('<details id="scores">')[1].split("</details>")[0]
    spaces_ = [space for table in report.tables.values() for space in table.spaces]
    texts = PageReader(details.replace("<wbr>", "")).texts
    assert {key for space in spaces_ for key in space.scores} <= set(texts)
    assert "5,000 against 10,000 of photos" in details and "5,000 against 5,001" in details


def test_only_inceptions_own_space_has_inception_names(report: Report) -> None:
    text = " ".join(PageReader(report.page).texts)
    assert not re.search(r"\bKID\b|\bfid_|\bkid_", text)
    texts = " ".join(PageReader(finished_report(canonical=True).page).texts)
    assert "fid_5k" in texts and "FID and IS here compare with the paper’s" in texts


def test_images_name_their_seed() -> None:
    texts = " ".join(PageReader(finished_report().page).texts)
    assert "moment_matching , seed 0 of 0, 1, 2, not selected" in texts


def test_status_of_runs_without_results_is_shown(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    remove(folder, "*taps5*", "moment_matching/seed-0*", "seed-0-*")
    scores_path(folder, "vgg16-lite2").unlink()
    for name in ("moment_matching-lite2", "moment_matching-own"):
        edit_scores(folder, name, lambda record: record.update(seeds=record["seeds"][1:]))
    texts = " ".join(PageReader(make_report(folder, drawn=False).page).texts)
    assert "not run" in texts and "trained, not scored" in texts
    assert "moment_matching , seed 1 of 0, 1, 2, not selected" in texts


def test_study_without_any_result_has_a_page(tmp_path: Path) -> None:
    content = PageReader(make_report(tmp_path).page)
    assert any(text.startswith("Nothing is scored yet") for text in content.texts)
    assert not content.ids & {"scores", "memorization", "classes", "gaps"}


def test_sections_of_figures_are_on_the_page() -> None:
    content = PageReader(finished_report().page)
    assert {"memorization", "classes", "training", "gaps"} <= content.ids
    assert "Are samples copies of training images?" in content.texts


def test_report_without_tables_is_a_page_of_all_runs() -> None:
    config = ReportConfig.parse(None, "report")
    report = report_of(read_study(folder_of(False), config, **spaces()))
    content = PageReader(report.page)
    assert {"samples", "scores", "memorization", "provenance"} <= content.ids
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
    for page in (report_of(study).page, render_run(study, study.runs["vgg16"])):
        own = without_charts_script(page)
        assert "&lt;script&gt;alert(" in own and "<script>alert" not in own
