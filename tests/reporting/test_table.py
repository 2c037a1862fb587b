"""A table: its frame, its columns and cells for a reader, and the notes below it."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.paper_tables import TABLE4, study_on, table4
from builders.score_files import facts_of
from builders.synthetic_report import (
    CONFIG,
    Report,
    edit_scores,
    finished_report,
    make_report,
    read_synthetic,
    remove,
    scores_path,
)
from builders.synthetic_study import folder_of, parameters

from gfmn.reporting.paper import paper_tables, paper_title
from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.cells import column_cells, score_column, view_table
from gfmn.reporting.tables.files import markdown_table
from gfmn.reporting.tables.table import make_table


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def test_paper_columns_are_only_in_tables_that_compare(report: Report) -> None:
    frame = report.tables["table2"].frame
    assert frame["run"].iloc[0] == "Real data" and frame["paper_fid5k"].iloc[0] == 7.8
    assert not [c for c in report.tables["figure4"].frame if c.startswith("paper_")]


def test_only_inceptions_own_space_has_inception_names(report: Report) -> None:
    for table in report.tables.values():
        ours = {column.split("_")[0] for column in table.frame if not column.startswith("paper_")}
        assert not ours & {"fid", "is", "kid"}
    table = finished_report(canonical=True).tables["table2"]
    assert {"fid_5k", "fid_inf", "is_5k", "kid_5k"} <= set(table.frame)
    assert [space.evaluator for space in table.spaces] == ["inception", "own"]
    assert table.distance == "fid_5k"


def test_run_without_results_keeps_its_row(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    remove(folder, "*taps5*")
    scores_path(folder, "vgg16-lite2").unlink()
    rows = make_report(folder, drawn=False).tables["table3"].frame.set_index("run")
    assert rows.loc["taps5", "status"] == "not run"
    assert rows.loc["vgg16", "status"] == "trained, not scored"
    assert rows["fd_lite2_5k"].notna().sum() == len(rows) - 2


def test_seeds_are_counted_by_space(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    name = "moment_matching-lite2"
    edit_scores(folder, name, lambda record: record.update(seeds=record["seeds"][1:]))
    table = make_table(read_synthetic(folder), CONFIG.tables["table2"])
    row = table.frame.set_index("run").loc["moment_matching"]
    assert row["status"] == "scored, 2 of 3 seeds" and row["fd_lite2_5k_over"] == "2 seeds"
    assert (row["seeds"], row["seed_list"], row["seeds_own"]) == (2, "[1, 2]", 3)


def test_real_data_alone_has_its_row(tmp_path: Path) -> None:
    (tmp_path / "data/scores").mkdir(parents=True)
    for path in (folder_of(False) / "data/scores").glob("reference-*"):
        shutil.copy(path, tmp_path / "data/scores")
    frame = make_table(read_synthetic(tmp_path), CONFIG.tables["table2"]).frame
    real = frame.iloc[0]
    assert (real["kind"], real["run"], real["n_real"]) == ("real", "Real data", 5000)
    assert real["note"] == "held out: the other half" and real["fd_lite2_5k"] > 0


def test_main_distance_is_the_one_that_most_runs_have(tmp_path: Path) -> None:
    def rename(record: dict) -> None:  # type: ignore[type-arg]
        scores = record["seeds"][0]["scores"]
        scores["fd_lite2_2500"] = scores.pop("fd_lite2_5k")

    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    edit_scores(folder, "reference-photos-lite2", rename)
    table = make_table(read_synthetic(folder), CONFIG.tables["table2"])
    assert table.distance == "fd_lite2_5k" and "fd_lite2_2500" in table.frame


def test_study_without_evaluations_is_a_table(tmp_path: Path) -> None:
    study = read_study(tmp_path, CONFIG, parameters(), {}, {})
    table = make_table(study, CONFIG.tables["table3"])
    assert table.spaces == () and table.distance is None
    assert len(table.frame) == len(CONFIG.tables["table3"].rows)


def test_table_shows_few_of_the_scores() -> None:
    view = view_table(finished_report().tables["table2"])
    keys = [column.key for column in view.columns if column.evaluator]
    assert {"fd_lite2_inf", "recall_lite2_5k", "fd_own_5k"} <= set(keys)
    assert not re.search("memorised|kd_own|fd_own_inf|confidence", " ".join(keys))


def test_common_value_is_not_marked_as_best() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "recall_x_5k": [0.0, 0.0], "fd_x_5k": [1.0, 2.0]})
    keys = ("recall_x_5k", "fd_x_5k")
    columns = [score_column(frame, "x", pd.Series(facts_of(key), name=key)) for key in keys]
    best = [[cell.best for cell in column_cells(frame, column)] for column in columns]
    assert best == [[False, False], [True, False]]


def test_best_of_a_paper_column_can_be_a_published_row() -> None:
    view = view_table(table4())
    i = [column.key for column in view.columns].index("paper_is_mean")
    best = [row[0].text for row in view.rows if row[i].best]
    assert best == ["WGAN-GP (ResNet G)"]  # 8.42; real data's 11.24 does not count


def test_published_row_is_named_once() -> None:
    view = view_table(table4())
    i = [column.key for column in view.columns].index("paper_row")
    assert view.rows[1][0].text == "GMMN" and view.rows[1][i].text == ""
    assert view.kinds[1] == "published" and view.group_headings[1] == "no adversarial training"


def test_counts_that_differ_between_runs_are_columns(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    held_out = {"dataset": "photos_test", "count": 5000, "how": "a data set held out"}
    edit_scores(folder, "encoder-lite2", lambda record: record.update(n_generated=50000))
    edit_scores(folder, "reference-photos-lite2", lambda record: record.update(held_out=held_out))
    study = read_synthetic(folder)
    table = make_table(study, CONFIG.tables["table2"])
    lines = markdown_table(study, table, "t").splitlines()
    assert "| Scored against | n generated | n reference |" in lines[2]
    assert "held out: photos_test" in lines[4]
    assert "| photos | 50,000 | 10,000 |" in lines[5] and "| photos | 5,000 | 10,000 |" in lines[6]


def markdown(report: Report, table: str) -> str:
    return markdown_table(report.study, report.tables[table], "t")


def test_deviations_are_over_seeds_or_the_scores_own() -> None:
    text = markdown(finished_report(), "table2")
    assert "(n − 1) over seeds where a run has several, n = 3; else it is the score’s own" in text
    assert "over seeds where a run has several, n = 2;" in markdown(finished_report(), "table3")
    assert "over 10 splits (score_lite2_5k) and over 100 subsets of 1,000 (kd_lite2_5k)" in text
    alone = markdown(finished_report(), "figure4")
    assert "± is the score’s own deviation" in alone and "over seeds" not in alone


def test_only_orders_compare_in_another_feature_space() -> None:
    text = markdown(finished_report(), "table2")
    assert "feature space of lite2 and own, none of which is Inception’s" in text
    assert "CIFAR-10 with Inception; only orders compare" in text


def test_inception_scores_compare_as_far_as_their_conditions_agree() -> None:
    text = markdown(finished_report(canonical=True), "table2")
    here = "photos, 5,000 generated against 10,000 real, antialiased bilinear to 299 px"
    assert "as far as data set, number of images and resizer agree" in text
    assert f"here {here}; in the paper CIFAR-10" in text
    assert "which is not Inception’s" in text and "of the scores in own only orders compare" in text


def test_differences_name_their_scores() -> None:
    text = markdown_table(study_on("cifar10"), table4(), "t")
    assert "Δ FID 5K" in text and "Δ FID 50K" not in text
    assert "FID of as many generated images, IS by is_5k" in text


def test_published_scores_are_said_to_be_of_another_space() -> None:
    apart = "The published scores are in Inception’s features and ours in those of lite2 and own"
    also = "The published scores are in Inception’s features and ours also in those of own"
    assert apart in markdown_table(study_on("cifar10", False), table4(canonical=False), "t")
    assert also in markdown_table(study_on("cifar10"), table4(), "t")
    assert "The published scores" not in markdown(finished_report(), "table2")  # has none


@pytest.mark.parametrize("paper", ["table3", "table4_stl10"])
def test_published_rows_alone_are_a_table(
    tmp_path_factory: pytest.TempPathFactory, paper: str
) -> None:
    folder = tmp_path_factory.mktemp("empty")
    study = read_study(folder, CONFIG, parameters(), {}, {})
    table = make_table(study, TABLE4.model_copy(update={"rows": {}, "paper": paper}))
    assert set(table.frame["kind"]) == {"published"}
    assert len(table.frame) == len(paper_tables()[paper])
    text = markdown_table(study, table, "t")
    assert f"Rows marked as published are constants from {paper_title(paper)} of" in text
    if paper == "table4_stl10":
        assert "| Real data (published, dos Santos et al., ICCV 2019) |" in text
