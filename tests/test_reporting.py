"""The report's tables, figures and page, on a synthetic study."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from synthetic_study import REPORT, parameters, write, write_study

from gfmn.errors import InputError
from gfmn.reporting import figures, page, tables
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.results import ReportConfig, check_report, read_study
from gfmn.reporting.style import LIGHT, spread

CONFIG = ReportConfig.parse(REPORT, "params.yaml: report")
TITLES = {name: table.title for name, table in CONFIG.tables.items()}


def make(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Any], str]:
    study = read_study(folder, CONFIG, parameters())
    frames = {name: tables.table_frame(study, table) for name, table in CONFIG.tables.items()}
    drawings = figures.draw(study, frames, LIGHT)
    return frames, drawings, page.render(study, frames, drawings, drawings)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_study(folder)
    return folder


@pytest.fixture(scope="module")
def made(whole: Path) -> tuple[dict[str, pd.DataFrame], list[Any], str]:
    return make(whole)


class Reader(HTMLParser):
    """What a page asks for, what its score cells say, and its text by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: set[str] = set()
        self.scores: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        for key in ("src", "srcset", "href", "action", "data", "poster"):
            self.asked += [found[key] or ""] if key in found else []
        if "data-score" in found:
            self.scores.append(found)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


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


def test_parquet_csv_and_markdown_hold_the_same_rows(made: Any, tmp_path: Path) -> None:
    frames, _, _ = made
    tables.write_tables(frames, TITLES, tmp_path)
    for name, frame in frames.items():
        parquet = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(parquet, frame)
        csv = pd.read_csv(tmp_path / f"{name}.csv").astype(frame.dtypes.to_dict())
        pd.testing.assert_frame_equal(csv, frame)
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        cells = [line.split(" | ") for line in lines if line.startswith("| ")][2:]
        assert [row[0].removeprefix("| ").split(" (")[0] for row in cells] == list(frame["run"])
        for row, value in zip(cells, frame["fd_lite2_5k"], strict=True):
            assert f"{value:.1f}" in " ".join(row)


def test_columns_are_typed_and_say_whose_they_are(made: Any) -> None:
    frame = made[0]["table2"]
    kinds = {"features": "Int64", "fd_lite2_5k": "Float64", "paper_fid5k": "Float64"}
    assert {key: str(frame[key].dtype) for key in kinds} == kinds
    assert not [c for c in frame if "fid" in c.lower() and not c.startswith("paper_")]
    assert frame["run"].iloc[0] == "Real data" and frame["paper_fid5k"].iloc[0] == 7.8
    assert not [c for c in made[0]["figure4"] if c.startswith("paper_")]


def test_order_is_counted_over_pairs_that_the_paper_separates() -> None:
    ours, theirs = [30.0, 20.0, 25.0, 1.0], [9.0, 5.0, 5.0, 7.0]
    frame = pd.DataFrame({"run": list("abcd"), "fd_x_5k": ours, "paper_fid5k": theirs})
    assert tables.pairs_in_order(frame) == (3, 5)  # b and c are equal in the paper


def test_a_run_without_results_is_shown_and_the_others_stay(tmp_path: Path) -> None:
    write_study(tmp_path)
    for path in [*tmp_path.rglob("*taps5*"), *tmp_path.rglob("data/models/taps5/*")]:
        if path.is_file():
            path.unlink()
    (tmp_path / "reports/metrics/vgg16.json").unlink()
    frames, _, text = make(tmp_path)
    rows = frames["table3"].set_index("run")
    assert rows.loc["taps5", "status"] == "not run"
    assert rows.loc["vgg16", "status"] == "trained, not scored"
    assert rows["fd_lite2_5k"].notna().sum() == len(rows) - 2
    assert "| taps5 (not run)" in tables.markdown(frames["table3"], "t")
    assert {"not run", "trained, not scored"} <= {word.strip() for word in Reader(text).words}


def test_a_network_trained_here_is_on_the_page_with_what_it_can_do(tmp_path: Path) -> None:
    write_study(tmp_path)
    write(tmp_path / "reports/metrics/extractor-faces.json", {"accuracy": 0.8962, "held_out": 5000})
    words = [word.strip() for word in Reader(make(tmp_path)[-1]).words]
    assert {"Trained here", "faces", "0.8962", "5,000"} <= set(words)


def test_a_study_without_any_result_still_has_its_page(tmp_path: Path) -> None:
    _, drawings, text = make(tmp_path)
    assert drawings == [] and "not run" in text


def test_the_page_asks_for_nothing_outside_itself(made: Any) -> None:
    text = made[2]
    page_read = Reader(text)
    assert len(page_read.asked) > 20
    assert all(asked.startswith(("data:image/", "#")) for asked in page_read.asked)
    assert not page_read.tags & {"link", "iframe", "object", "embed", "base"}
    assert not re.search(r"@import|url\(|https?://|fetch\(|XMLHttp", text)
    assert len(text) < 2.5e6


def test_every_score_stands_with_its_evaluator_and_count(made: Any) -> None:
    frames, _, text = made
    scores = Reader(text).scores
    cells = sum(2 * len(frame) for frame in frames.values())  # distance and score of every row
    assert len(scores) >= cells
    assert {(s["data-evaluator"], s["data-n"]) for s in scores} == {("lite2", "5,000")}
    assert "5,000 generated against 10,000 real" in text and "5,000 against 5,001 other" in text


def test_the_same_study_gives_the_same_bytes(whole: Path, made: Any, tmp_path: Path) -> None:
    frames, drawings, text = make(whole)
    assert [d.png for d in drawings] == [d.png for d in made[1]]
    assert text == made[2]
    for folder, which in (("a", frames), ("b", made[0])):
        tables.write_tables(which, TITLES, tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_each_figure_of_the_report_is_drawn(made: Any) -> None:
    kinds = [(drawing.kind, drawing.table) for drawing in made[1]]
    assert kinds[:2] == [("samples", None), ("strip", None)]
    for table in CONFIG.tables:
        assert ("loss", table) in kinds and ("gaps", table) in kinds
    assert ("taps", "table3") in kinds and ("taps", "table2") not in kinds
    assert all(drawing.caption and drawing.alt for drawing in made[1])


def test_losses_of_other_features_are_drawn_relative(made: Any) -> None:
    captions = {d.table: d.caption for d in made[1] if d.kind == "loss"}
    assert "heights do not" in captions["table2"] and "heights do not" in captions["table3"]
    assert "lower is closer" in captions["figure4"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("reports/metrics/vgg16.json", "{", "expected JSON"),
        ("reports/metrics/vgg16.json", '{"run": "vgg16"}', "required"),
        ("reports/metrics/vgg16.json", "[]", "JSON object"),
        ("data/models/vgg16/config.json", '{"run": 3}', "config.json"),
        ("reports/history/vgg16.tsv", "step\timages\tlr\n1\t2\t3\n", "'loss'"),
        ("reports/history/vgg16.tsv", "", "expected a table"),
        ("data/timings/train-vgg16.json", "no", "expected JSON"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read_study(tmp_path, CONFIG, parameters())
    message = str(caught.value)
    assert name in message and said in message and "\n" not in message


def test_another_runs_metrics_are_refused(whole: Path, tmp_path: Path) -> None:
    other = tmp_path / "reports/metrics/taps3.json"
    other.parent.mkdir(parents=True)
    other.write_bytes((whole / "reports/metrics/taps1.json").read_bytes())
    with pytest.raises(InputError, match=r"taps3\.json: \$\.run: expected 'taps3', found 'taps1'"):
        read_study(tmp_path, CONFIG, parameters())


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


def test_labels_are_moved_apart_and_stay_in_order() -> None:
    placed = spread([0.0, 1.0, 1.5, 40.0], 10.0)
    assert placed == sorted(placed)
    assert min(b - a for a, b in pairwise(placed)) >= 10.0
    assert placed[3] == 40.0 and abs(sum(placed[:3]) - 2.5) < 1e-9
