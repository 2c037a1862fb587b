"""The pages in a browser: charts are drawn, the slider moves all runs, links unfold."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from builders.report_figures import study_with_figures

from gfmn.reporting.page.render import write_pages

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PROBE = """
addEventListener("load", () => setTimeout(() => {
  const errors = window.failures;
  const input = document.querySelector(".slider input");
  const first = () => [...document.querySelectorAll(".frames span")].map((one) => one.textContent);
  const before = input ? first() : [];
  if (input) { input.value = 0; input.dispatchEvent(new Event("input")); }
  const found = document.createElement("pre");
  found.id = "found";
  found.textContent = JSON.stringify({
    errors,
    drawn: [...document.querySelectorAll("[data-chart]")].filter((one) => one.querySelector("svg"))
      .map((one) => one.dataset.chart),
    before, after: input ? first() : [],
    open: [...document.querySelectorAll("details[open]")].map((one) => one.id),
    wide: document.documentElement.scrollWidth,
  });
  document.body.append(found);
}, 4000));
"""
WATCH = "window.failures = []; addEventListener('error', (e) => window.failures.push(e.message));"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")


def browse(profile: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--virtual-time-budget=15000", f"--user-data-dir={profile / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def seen(path: Path, profile: Path, anchor: str = "", width: int = 1300) -> dict[str, Any]:
    """What a browser finds on a page after its scripts have run."""
    page = path.read_text()
    folder, path = path.parent, profile / path.name
    if (script := folder / "charts.js").exists():
        shutil.copy(script, profile)
    page = page.replace("<head>", f"<head><script>{WATCH}</script>", 1)  # others are in scripts
    before, end, after = page.rpartition("</body>")
    path.write_text(f"{before}<script>{PROBE}</script>{end}{after}")
    url = f"{path.as_uri()}{anchor}"
    done = browse(profile, f"--window-size={width},9000", "--dump-dom", url)
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert match, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(html.unescape(match[1]))
    return found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    report = study_with_figures()
    write_pages(report.study, report.tables, report.figures, folder)
    return folder


def test_charts_are_drawn_and_the_slider_moves_all_runs(pages: Path, tmp_path: Path) -> None:
    found = seen(pages / "index.html", tmp_path)
    assert found["errors"] == [] and found["open"] == []
    assert {"rows-table2", "taps-table3", "training"} <= set(found["drawn"])
    assert set(found["before"]) == {"1,200"} and set(found["after"]) == {"0"}


def test_a_link_to_something_folded_opens_it(pages: Path, tmp_path: Path) -> None:
    found = seen(pages / "index.html", tmp_path, "#memorization")
    assert found["open"] == ["memorization"] and "memorized" in found["drawn"]


def test_a_runs_page_draws_its_curves_on_a_narrow_screen(pages: Path, tmp_path: Path) -> None:
    found = seen(pages / "runs/moment_matching.html", tmp_path, width=500)
    assert found["errors"] == [] and set(found["drawn"]) == {"curves"}
    assert found["wide"] <= 500


def test_the_page_prints_on_at_most_eight_pages(pages: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    browse(tmp_path, f"--print-to-pdf={file}", (pages / "index.html").as_uri())
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", file.read_bytes())) <= 8
