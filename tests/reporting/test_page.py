"""The page: each picture once, runs to compare, sorting, filtering, and figures by epoch."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from builders.synthetic_study import REPORT, Reader, folder_of, parameters, spaces
from PIL import Image

from gfmn.reporting import figures, page
from gfmn.reporting.album import Album
from gfmn.reporting.curves import POINTS, curves
from gfmn.reporting.progress import epochs, progress
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig, RunResult, SeedResult, Study
from gfmn.reporting.style import DARK, LIGHT
from gfmn.reporting.tables import make_table

EVIL = '<script>alert("1")</script>&'
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FIGURES = {
    "figure2": {
        "title": "Samples",
        "paper": "figure2",
        "kind": "samples",
        "runs": ["vgg16", "absent"],
    },
    "figure5": {
        "title": "Loss by epoch",
        "paper": "figure5",
        "kind": "progress",
        "runs": ["running", "absent"],
    },
}


def configured(**changes: Any) -> ReportConfig:
    return ReportConfig.parse(REPORT | {"figures": FIGURES} | changes, "params.yaml: report")


def sections() -> dict[str, dict[str, Any]]:
    """The study's sections with one more run, which left nothing behind."""
    found = spaces()
    return found | {"runs": parameters() | {"absent": parameters()["vgg16"]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study whose runs have interpolations."""
    folder = shutil.copytree(folder_of(False), tmp_path_factory.mktemp("page") / "study")
    tiles = np.random.default_rng(3).integers(0, 256, (8 * 4, 10 * 4, 3), dtype=np.uint8)
    for i, samples in enumerate(sorted(folder.glob("data/samples/*/seed-?.png"))):
        picture = np.roll(tiles, 3 * i, 0).repeat(8, 0).repeat(8, 1)
        path = samples.with_name(f"{samples.stem}-interpolation.png")
        Image.fromarray(picture).save(path)
    return folder


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    return read_study(folder, configured(), **sections())


@pytest.fixture(scope="module")
def text(study: Study) -> str:
    return rendered(study)


def rendered(study: Study, drawn: bool = True) -> str:
    tables = {name: make_table(study, table) for name, table in study.config.tables.items()}
    light, dark = (figures.draw(study, tables, theme) if drawn else [] for theme in (LIGHT, DARK))
    return page.render(study, tables, light, dark)


def held(text: str) -> dict[str, Any]:
    """What the page holds for the comparison of runs."""
    found = re.search(r'<script type="application/json" id="runs">(.*?)</script>', text, re.S)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_no_picture_is_on_the_page_twice(text: str) -> None:
    contents = [asked for asked in Reader(text).asked if asked.startswith("data:")]
    assert len(contents) > 40
    assert len(set(contents)) == len(contents)


def test_every_use_of_a_picture_names_one_that_the_page_holds(text: str) -> None:
    ids, named = Reader(text).ids, re.findall(r'<use href="#([^"]+)"', text)
    assert len(named) > 20 and set(named) <= ids
    in_script = [name for run in held(text)["runs"] for name in run["pictures"].values()]
    assert {f"picture-{name}" for name in in_script} <= ids
    assert {"picture-between-encoder", "picture-samples-running", "picture-real-photos"} <= ids


def test_the_page_refers_to_no_network(text: str) -> None:
    found = Reader(text)
    assert all(asked.startswith(("data:image/", "#")) for asked in found.asked)
    assert not found.tags & {"link", "iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(|https?://|fetch\(|XMLHttp|import\(|WebSocket", text)


def test_a_run_that_does_not_exist_has_a_placeholder_that_says_so(text: str) -> None:
    figure2, figure5 = (text.split(f'id="figure-{name}"')[1] for name in ("figure2", "figure5"))
    placeholder = re.compile(r'<div class="nothing"><span>([^<]*)</span>')
    assert "not run" in placeholder.findall(figure2.split('id="figure-')[0])[0]
    assert "Run absent: not run" in placeholder.findall(figure5.split("</section>")[0])[0]
    assert "As the paper’s Figure 2" in figure2 and "As the paper’s Figure 5" in figure5


def test_a_figure_shows_a_square_of_samples_and_a_card_its_first_rows(study: Study) -> None:
    album = Album(study)
    large, small = album.samples("vgg16"), album.samples("encoder")
    assert large and small and album.samples("absent") is None
    assert (large.columns, large.rows, large.shown) == (8, 8, 5)
    assert (small.columns, small.rows, small.shown) == (8, 5, 5)
    assert album.samples("vgg16") is large and album.pictures == [large, small]


def test_interpolations_are_shown_where_their_file_is(folder: Path, study: Study) -> None:
    between = Album(study).between("taps5")
    assert between and (between.columns, between.rows, between.tile) == (10, 3, 32)
    assert Album(read_study(folder_of(False), configured(), **sections())).between("taps5") is None


def test_an_epoch_is_as_many_images_as_the_data_set_has(study: Study) -> None:
    # 25 steps of 64 images are 1,600 images: ten times the 160 of the data set
    history = study.runs["vgg16"].seeds[0].history
    assert history is not None and history["step"].iloc[1] == 25
    assert epochs(history["images"], 160).iloc[1] == 10.0
    drawing = progress(study, "figure5", "running", LIGHT)
    assert drawing and drawing.name == "figure5-running" and drawing.table == "figure5"
    # its grids are of the steps 0, 600 and 1,200, which are the epochs 0, 240 and 480
    assert "at epoch 0, 240, 480. An epoch is the 160 images of photos." in drawing.caption
    assert progress(study, "figure5", "absent", LIGHT) is None


def test_a_run_that_a_figure_shows_by_epoch_is_not_shown_by_step_as_well(study: Study) -> None:
    tables = {name: make_table(study, table) for name, table in study.config.tables.items()}
    kinds = [drawing.kind for drawing in figures.draw(study, tables, LIGHT)]
    assert kinds.count("progress") == 1 and "samples" not in kinds and "grids" in kinds


def test_a_long_curve_keeps_its_ends_and_few_points() -> None:
    steps = np.arange(1, 10_001) * 10
    losses = 123.456789 / steps
    losses[5] = np.nan  # which a logarithmic axis cannot show
    history = pd.DataFrame({"step": steps, "images": 64 * steps, "lr": 0.1, "loss": losses})
    seed = SeedResult(0, None, history, (), None)
    (curve,) = curves(RunResult("a", {}, (seed,), ()))
    assert len(curve["step"]) == len(curve["loss"]) == POINTS
    assert (curve["step"][0], curve["step"][-1]) == (10, 100_000)
    assert curve["loss"][0] == 12.35 and curve["loss"][-1] == 0.001235
    assert curve["images"][-1] == 6_400_000


def test_a_comparison_holds_every_run_with_its_scores_and_their_counts(text: str) -> None:
    data = held(text)
    assert data["chosen"] == ["encoder", "vgg16", "vgg16_lite0", "running"]
    runs = {run["name"]: run for run in data["runs"]}
    assert set(runs) == set(parameters()) | {"absent"}
    assert runs["absent"]["curves"] == [] and runs["absent"]["status"].startswith("not run")
    assert len(runs["running"]["curves"]) == 3 and "extractor=vgg16" in runs["running"]["words"]
    assert runs["encoder"]["matched"] == runs["ma64"]["matched"] != runs["vgg16"]["matched"]
    lite2 = next(group for group in data["groups"] if group["title"] == "In lite2")
    images, distance = lite2["rows"][0], lite2["rows"][1]
    assert images[3]["vgg16"] == ["5,000 against 10,000 real", None]
    assert distance[1:3] == ["fd_lite2_5k", "min"] and set(distance[3]) == set(parameters())
    paper = next(group for group in data["groups"] if "Feature extractors" in group["title"])
    assert [row[3]["vgg16"][0] for row in paper["rows"] if row[0] == "FID 5K"] == ["25.5"]


def test_whatever_a_study_says_is_text_and_never_markup(folder: Path) -> None:
    rows = {"vgg16": {"note": EVIL, "paper": 3}, "encoder": {"paper": 0}}
    tables = {"table2": {"title": EVIL, "paper": "table2", "rows": rows}}
    shown = {"figure9": FIGURES["figure2"] | {"title": EVIL, "paper": EVIL}}
    config = configured(title=EVIL, headline="vgg16", tables=tables, figures=shown)
    of = sections()
    of["runs"] = {name: row | {"remark": EVIL} for name, row in of["runs"].items()}
    text = rendered(read_study(folder, config, **of), drawn=False)
    assert text.count("<script") == 4  # the page's own three and what they read
    assert "&lt;script&gt;alert(" in text and "<script>alert" not in text
    assert any(EVIL in group["title"] for group in held(text)["groups"])  # and whole as data


def test_a_study_of_one_run_has_nothing_to_compare(folder: Path) -> None:
    tables = {"table2": {"title": "One", "rows": {"vgg16": {}}}}
    config = configured(headline="vgg16", tables=tables, figures={})
    text = rendered(read_study(folder, config, **spaces()), drawn=False)
    assert 'id="compare"' not in text and 'id="runs"' not in text


PROBE = """
const shown = (rows) => [...rows].filter((row) => !row.hidden).map((row) => row.cells[0]
  .querySelector(".name").textContent);
const table = document.querySelector("#table2 table.results");
const heads = [...table.tHead.rows[1].cells];
const head = heads.find((cell) => cell.textContent.includes("fd_lite2_5k"));
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
const names = [...document.querySelectorAll(".versus thead th")].map((cell) => cell.textContent);
const compared = { before, after: lines(), names, hash: location.hash };
const found = document.createElement("pre");
found.id = "found";
found.textContent = JSON.stringify({ states, filtered, compared });
document.body.append(found);
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_columns_sort_a_filter_filters_and_runs_are_compared(text: str, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(text.replace("</body>", f"<script>{{{PROBE}}}</script></body>"))
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    address = f"{path.as_uri()}#compare=vgg16,running&down=linear"
    done = subprocess.run([*command, address], capture_output=True, text=True, timeout=300)
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert match, done.stderr[-2000:]
    found = json.loads(html.unescape(match[1]))
    given = ["Real data", "encoder", "vgg16", "vgg16_lite0", "running"]
    rising = ["Real data", "vgg16_lite0", "vgg16", "running", "encoder"]  # taps 25, 13, 13 and 4
    falling = [rising[0], *rising[:0:-1]]
    assert found["states"] == [["ascending", rising], ["descending", falling], [None, given]]
    assert found["filtered"] == {"cards": ["ma64", "ma256"], "rows": given[:1], "count": "2 of 14"}
    assert found["compared"]["before"] == 1 + 3  # running has three seeds
    assert found["compared"]["after"] == 1 + 3 + 1
    assert found["compared"]["names"] == ["running", "vgg16", "ma64"]
    assert "compare=running,vgg16,ma64&down=linear" in found["compared"]["hash"]
