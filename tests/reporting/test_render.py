"""The pages: complete in one file, a page a run, and whatever a study says as text."""

import json
import re
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
    CONFIG,
    PageReader,
    Report,
    finished_report,
    make_report,
    report_of,
)
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.page.facts import parameter_table, provenance
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
    keys = [key for space in report.tables["table2"].spaces for key in space.scores.index]
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
    assert {key for space in spaces_ for key in space.scores.index} <= set(texts)
    assert "5,000 against 10,000 of photos" in details and "5,000 against 5,001" in details


def test_study_without_any_result_has_a_page(tmp_path: Path) -> None:
    content = PageReader(make_report(tmp_path).page)
    assert any(text.startswith("Nothing is scored yet") for text in content.texts)
    assert not content.ids & {"scores", "memorization", "classes", "gaps"}


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


def test_networks_and_held_out_images_are_named() -> None:
    texts = PageReader(finished_report().page).texts
    for fact in ("cd" * 32, "0e" * 32, "antialiased bilinear to 64 px", "manifold.k"):
        assert fact in texts
    assert "the other half" in texts and "5,000 against 5,001" in texts


def test_trained_extractor_is_named_with_its_metrics(tmp_path: Path) -> None:
    path = tmp_path / "reports/metrics/extractor-faces.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"accuracy": 0.8962, "held_out": 5000}))
    texts = set(PageReader(make_report(tmp_path).page).texts)
    assert {"Trained here", "faces", "0.8962", "5,000"} <= texts


def test_sampling_is_named(tmp_path: Path) -> None:
    sampling = {"count": 5000, "seed": 0, "batchnorm": "running"}
    study = read_study(tmp_path, CONFIG, **spaces(), sampling=sampling)
    facts = {kind: facts for kind, _, facts in provenance(study)}
    assert facts["Samples"] == {
        "count": "5,000",
        "seed": "0",
        "batchnorm": "running",
    }


def test_parameter_that_only_some_runs_have_is_a_column(tmp_path: Path) -> None:
    sections = spaces()
    sections["runs"]["ma64"] |= {"ma": {"rate": 0.05}}
    table = parameter_table(read_study(tmp_path, CONFIG, **sections))
    assert list(table.loc[["ma64", "vgg16"], "ma.rate"]) == ["0.05", ""]
    assert "latent" not in table  # which all have
