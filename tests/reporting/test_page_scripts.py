"""The page's scripts in a browser: sorting, filtering and comparing runs."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from builders.report_figures import study_with_figures

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PROBE = """
const shown = (rows) => [...rows].filter((row) => !row.hidden).map((row) => row.cells[0]
  .querySelector(".name").textContent);
const table = document.querySelector("#table2 table.results");
const columns = [...table.tHead.rows[1].cells];
const head = columns.find((cell) => cell.textContent.includes("fd_lite2_5k"));
const states = [];
for (let i = 0; i < 3; i++) {
  head.querySelector("button").click();
  states.push([head.getAttribute("aria-sort"), shown(table.tBodies[0].rows)]);
}
const field = document.querySelector(".filter input");
field.value = "objective=ma encoder";
field.dispatchEvent(new Event("input"));
const cards = [...document.querySelectorAll("#samples .runs .card")].filter((card) => !card.hidden);
const filtered = {
  cards: cards.map((card) => card.dataset.run),
  rows: shown(table.tBodies[0].rows),
  count: document.querySelector(".filter output").textContent,
};
const curves = "#compare path.stroke:not([stroke-width='1'])";
const lines = () => document.querySelectorAll(curves).length;
const before = lines();
[...document.querySelectorAll(".chip")].find((chip) => chip.textContent === "ma64").click();
const heads = [...document.querySelectorAll(".comparison thead th")];
const names = heads.map((cell) => cell.textContent);
const compared = { before, after: lines(), names, hash: location.hash };
const found = document.createElement("pre");
found.id = "found";
found.textContent = JSON.stringify({ states, filtered, compared });
document.body.append(found);
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_columns_sort_filter_and_comparison_work(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    page = study_with_figures().page
    path.write_text(page.replace("</body>", f"<script>{{{PROBE}}}</script></body>"))
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    address = f"{path.as_uri()}#compare=vgg16,moment_matching&down=linear"
    done = subprocess.run([*command, address], capture_output=True, text=True, timeout=300)
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert match, done.stderr[-2000:]
    found = json.loads(html.unescape(match[1]))
    given = ["Real data", "encoder", "vgg16", "vgg16_lite0", "moment_matching"]
    rising = [
        "Real data",
        "vgg16_lite0",
        "vgg16",
        "moment_matching",
        "encoder",
    ]  # taps 25, 13, 13 and 4
    falling = [rising[0], *rising[:0:-1]]
    assert found["states"] == [["ascending", rising], ["descending", falling], [None, given]]
    assert found["filtered"] == {"cards": ["ma64", "ma256"], "rows": given[:1], "count": "2 of 14"}
    assert found["compared"]["before"] == 1 + 3  # moment_matching has three seeds
    assert found["compared"]["after"] == 1 + 3 + 1
    assert found["compared"]["names"] == ["moment_matching", "vgg16", "ma64"]
    assert "compare=moment_matching,vgg16,ma64&down=linear" in found["compared"]["hash"]
