"""The report's tables, figures and page, on a synthetic study."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.synthetic_study import (
    CONFIG,
    REPORT,
    Made,
    Reader,
    finished,
    folder_of,
    make,
    parameters,
    spaces,
    write,
)

from gfmn.common.errors import InputError
from gfmn.metrics import classes
from gfmn.reporting.markdown import markdown, write_tables
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig, check_report
from gfmn.reporting.style import spread
from gfmn.reporting.tables import make_table, pairs_in_order


@pytest.fixture(scope="module")
def made() -> Made:
    return finished()


@pytest.fixture(scope="module")
def whole() -> Path:
    return folder_of(False)


def test_the_papers_figures_are_the_published_ones() -> None:
    published = paper_tables()
    assert [len(published[name]) for name in ("table2", "table3", "table4")] == [6, 9, 15]
    best = published["table2"][5].cifar10
    assert (best.is_, best.fid5k, best.fid50k) == ((8.27, 0.09), 18.1, 13.5)
    assert [row.layers for row in published["table3"]] == [1, 3, 5, 7, 9, 11, 13, 15, 16]
    assert published["table3"][0].cifar10.fid5k == 118.6
    assert published["table3"][8].cifar10 == published["table2"][3].cifar10  # VGG19, all layers
    real = published["table4"][0]
    assert real.stl10 is not None and (real.cifar10.fid5k, real.stl10.is_) == (7.8, (26.08, 0.26))
    assert published["table4"][10].cifar10.fid5k is None  # GAN-DFM reports no FID


def test_parquet_csv_and_markdown_hold_the_same_rows(made: Made, tmp_path: Path) -> None:
    write_tables(made.study, made.tables, tmp_path)
    for name, table in made.tables.items():
        frame = table.frame
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), frame)
        csv = pd.read_csv(tmp_path / f"{name}.csv").astype(frame.dtypes.to_dict())
        pd.testing.assert_frame_equal(csv, frame)
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        cells = [line.split(" | ") for line in lines if line.startswith("| ")][2:]
        assert [row[0].removeprefix("| ").split(" (")[0] for row in cells] == list(frame["run"])
        for row, value in zip(cells, frame["fd_lite2_5k"], strict=True):
            assert f"{value:.1f}" in " ".join(row)


def test_columns_are_typed_and_say_whose_they_are(made: Made) -> None:
    frame = made.tables["table2"].frame
    kinds = {
        "features": "Int64",
        "seeds": "Int64",
        "n_generated_own": "Int64",
        "fd_lite2_5k": "Float64",
        "fd_lite2_5k_over": "string",
        "paper_fid5k": "Float64",
    }
    assert {key: str(frame[key].dtype) for key in kinds} == kinds
    assert frame["run"].iloc[0] == "Real data" and frame["paper_fid5k"].iloc[0] == 7.8
    assert not [c for c in made.tables["figure4"].frame if c.startswith("paper_")]


def test_order_is_counted_over_pairs_that_the_paper_separates() -> None:
    ours, theirs = [30.0, 20.0, 25.0, 1.0], [9.0, 5.0, 5.0, 7.0]
    frame = pd.DataFrame({"run": list("abcd"), "fd_x_5k": ours, "paper_fid5k": theirs})
    assert pairs_in_order(frame, "fd_x_5k") == (3, 5)  # b and c are equal in the paper


def test_a_run_without_results_is_shown_and_the_others_stay(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "study")
    for path in folder.rglob("*taps5*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "data/scores/vgg16-lite2.json").unlink()
    study, tables, _, text = make(folder, drawn=False)
    rows = tables["table3"].frame.set_index("run")
    assert rows.loc["taps5", "status"] == "not run"
    assert rows.loc["vgg16", "status"] == "trained, not scored"
    assert rows["fd_lite2_5k"].notna().sum() == len(rows) - 2
    assert "| taps5 (not run" in markdown(study, tables["table3"], "t")
    assert {"not run", "trained, not scored"} <= set(Reader(text).words)


def test_a_missing_seed_is_said_and_the_others_are_counted(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "study")
    for path in (*folder.rglob("running/seed-0*"), *folder.glob("data/neighbors/*/seed-0-*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    scores = folder / "data/scores/running-lite2.json"
    record = json.loads(scores.read_text())
    record["seeds"] = record["seeds"][1:]
    scores.write_text(json.dumps(record))
    _, tables, drawings, text = make(folder)
    row = tables["table2"].frame.set_index("run").loc["running"]
    assert row["status"] == "scored, 2 of 3 seeds" and row["fd_lite2_5k_over"] == "2 seeds"
    assert (row["seeds"], row["seed_list"], row["seeds_own"]) == (2, "[1, 2]", 3)
    assert "run running, seed 1 of 0, 1, 2, not selected" in text
    assert {"samples", "strip", "nearest"} <= {drawing.kind for drawing in drawings}
    scores.unlink()
    (folder / "data/scores/running-own.json").unlink()
    study = read_study(folder, CONFIG, **spaces())
    assert study.headline.status == "2 of 3 seeds trained, not scored"


def test_a_network_trained_here_is_on_the_page_with_what_it_can_do(tmp_path: Path) -> None:
    write(tmp_path / "reports/metrics/extractor-faces.json", {"accuracy": 0.8962, "held_out": 5000})
    assert {"Trained here", "faces", "0.8962", "5,000"} <= set(Reader(make(tmp_path).text).words)


def test_a_study_without_any_result_still_has_its_page(tmp_path: Path) -> None:
    found = make(tmp_path)
    page = Reader(found.text)
    assert found.drawings == [] and "not run" in found.text
    assert not page.ids & {"scores", "memorisation", "classes", "training"}
    assert not page.scores and "There are no scores yet." in found.text


def test_the_page_asks_for_nothing_outside_itself(made: Made) -> None:
    page = Reader(made.text)
    assert len(page.asked) > 20
    assert all(asked.startswith(("data:image/", "#")) for asked in page.asked)
    assert {asked[1:] for asked in page.asked if asked.startswith("#")} <= page.ids
    assert not page.tags & {"link", "iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(|https?://|fetch\(|XMLHttp", made.text)
    assert len(made.text) < 2.5e6


def test_the_classes_are_explained_as_they_are_counted(made: Made) -> None:
    assert (classes.CONFIDENT, classes.COVERED) == (0.9, 0.1)
    assert "images with 0.9 or more of it" in made.text
    assert "at least a tenth as often as they are real" in made.text


def test_the_same_study_gives_the_same_bytes(whole: Path, made: Made, tmp_path: Path) -> None:
    again = make(whole)
    assert [d.png for d in again.drawings] == [d.png for d in made.drawings]
    assert again.text == made.text
    for folder, which in (("a", again), ("b", made)):
        write_tables(which.study, which.tables, tmp_path / folder)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names >= {"table2.parquet", "table2.csv", "table2.md", "scores.parquet", "scores.csv"}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_each_figure_of_the_report_is_drawn(made: Made) -> None:
    kinds = [(drawing.kind, drawing.table) for drawing in made.drawings]
    assert kinds[:2] == [("samples", None), ("strip", None)]
    for table in CONFIG.tables:
        assert ("loss", table) in kinds and ("gaps", table) in kinds
    assert ("taps", "table3") in kinds and ("taps", "table2") not in kinds
    assert kinds[-3:] == [("nearest", None), ("memorised", None), ("classes", None)]
    assert all(drawing.caption and drawing.alt for drawing in made.drawings)
    assert len({drawing.name for drawing in made.drawings}) == len(kinds)


def test_losses_of_other_features_are_drawn_relative(made: Made) -> None:
    captions = {d.table: d.caption for d in made.drawings if d.kind == "loss"}
    assert "heights do not" in captions["table2"] and "heights do not" in captions["table3"]
    assert "lower is closer" in captions["figure4"]
    assert "seeds of one run" in captions["table2"] and "seeds" not in captions["figure4"]


def test_error_bars_are_drawn_and_explained_where_a_run_has_several_seeds(made: Made) -> None:
    caption = {d.name: d.caption for d in made.drawings}["taps-table3"]
    assert "Error bars: standard deviation (n − 1) over seeds." in caption
    assert list(made.tables["table3"].frame["seeds"].dropna()) == [1, 2, 1, 1, 1, 1, 1]


def test_pictures_say_which_seed_they_are_of(made: Made) -> None:
    assert "run running, seed 0 of 0, 1, 2, not selected" in made.text
    assert "Run running, seed 0 of 0, 1, 2: the loss" in made.text
    which = "8 of 1,000 samples of run running, seed 0 of 0, 1, 2, by their distance"
    assert made.text.count(which) == 2
    assert "run encoder</span>" in made.text  # which has one seed


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (["headline"], "runing", "report.headline: no run 'runing'; did you mean 'running'?"),
        (["tables", "table2", "rows", "vgg61"], {}, "tables.table2.rows.vgg61: no such run"),
        (["tables", "table2", "rows", "vgg16"], {"paper": 6}, "vgg16.paper: expected 0 to 5"),
        (["tables", "figure4", "rows", "ma64"], {"paper": 0}, "ma64.paper: expected none"),
        (["tables", "table2", "paper"], "table5", "tables.table2.paper: no 'table5'"),
        (["tables", "table2", "rows", "vgg16"], {"papr": 1}, "vgg16.papr: unknown key"),
        (["tables", "../x"], {"title": "t", "rows": {}}, "../x"),
        (["tables", "scores"], {"title": "t", "rows": {}}, "scores: expected another name"),
    ],
)
def test_a_report_that_cannot_be_made_is_refused_before_any_run(
    keys: list[str], value: Any, said: str
) -> None:
    data = json.loads(json.dumps(REPORT))
    inner = data
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    with pytest.raises(InputError) as caught:
        where = "params.yaml: report"
        check_report(ReportConfig.parse(data, where), parameters(), where)
    assert said in str(caught.value) and str(caught.value).startswith("params.yaml: report.")


def test_real_data_alone_still_has_its_row(whole: Path, tmp_path: Path) -> None:
    for path in whole.glob("data/scores/reference-*.json"):
        (tmp_path / "data/scores").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "data/scores")
    study = read_study(tmp_path, CONFIG, **spaces())
    table = make_table(study, CONFIG.tables["table2"])
    assert "| Real data (5,000 against 5,001, held out: the other half)" in (
        text := markdown(study, table, "t")
    )
    assert "fd_lite2_5k" in text and table.frame["n_real"].iloc[0] == 5000


def test_labels_are_moved_apart_and_stay_in_order() -> None:
    placed = spread([0.0, 1.0, 1.5, 40.0], 10.0)
    assert placed == sorted(placed)
    assert min(b - a for a, b in pairwise(placed)) >= 10.0
    assert placed[3] == 40.0 and abs(sum(placed[:3]) - 2.5) < 1e-9
