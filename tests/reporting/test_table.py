"""A table's frame: its columns, its rows and its main distance."""

import shutil
from pathlib import Path

import pytest
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

from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.table import make_table


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def test_columns_are_typed(report: Report) -> None:
    frame = report.tables["table2"].frame
    dtypes = {
        "features": "Int64",
        "seeds": "Int64",
        "n_generated_own": "Int64",
        "fd_lite2_5k": "Float64",
        "fd_lite2_5k_over": "string",
        "paper_fid5k": "Float64",
    }
    assert {key: str(frame[key].dtype) for key in dtypes} == dtypes


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
    assert table.main is None and table.distance is None
    assert len(table.frame) == len(CONFIG.tables["table3"].rows)
