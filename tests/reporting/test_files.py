"""Tables as files, and the summary of runs."""

import shutil
from dataclasses import replace
from pathlib import Path
from statistics import mean

import pandas as pd
import pytest
from builders.paper_tables import TABLE4, study_on, table4
from builders.score_files import read_record
from builders.synthetic_report import (
    CONFIG,
    finished_report,
    make_report,
    read_synthetic,
    remove,
    scores_path,
)
from builders.synthetic_study import folder_of

from gfmn.reporting.results import Study
from gfmn.reporting.tables.files import markdown_table, run_summary, write_tables
from gfmn.reporting.tables.table import make_table


def test_parquet_csv_and_markdown_hold_the_same_rows(tmp_path: Path) -> None:
    report = finished_report()
    write_tables(report.study, report.tables, tmp_path)
    for name, table in report.tables.items():
        frame = table.frame
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), frame)
        csv = pd.read_csv(tmp_path / f"{name}.csv").astype(frame.dtypes.to_dict())
        pd.testing.assert_frame_equal(csv, frame)
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        cells = [line.split(" | ") for line in lines if line.startswith("| ")][2:]
        assert [row[0].removeprefix("| ").split(" (")[0] for row in cells] == list(frame["run"])
        for row, value in zip(cells, frame["fd_lite2_5k"], strict=True):
            assert f"{value:.1f}" in " ".join(row)


def test_files_are_the_same_bytes_for_the_same_study(tmp_path: Path) -> None:
    for name in ("a", "b"):
        report = make_report(folder_of(False), drawn=False)
        write_tables(report.study, report.tables, tmp_path / name)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names >= {"table2.parquet", "table2.csv", "table2.md", "scores.parquet", "scores.csv"}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_published_rows_are_typed_and_marked_in_every_file(tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"tables": {"table4": TABLE4}})
    study = Study(**{**vars(study_on("cifar10")), "config": config})
    table = table4()
    write_tables(study, {"table4": table}, tmp_path)
    frame = pd.read_parquet(tmp_path / "table4.parquet")
    pd.testing.assert_frame_equal(frame, table.frame)
    dtypes = {"kind": "string", "place": "Int64", "difference_is": "Float64", "run": "string"}
    assert {key: str(frame[key].dtype) for key in dtypes} == dtypes
    csv = pd.read_csv(tmp_path / "table4.csv").astype(frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, frame)
    lines = (tmp_path / "table4.md").read_text().splitlines()
    assert any(line.startswith("| *no adversarial training* |") for line in lines)
    assert any(line.startswith("| *adversarial training, supervised* |") for line in lines)
    (row,) = (line for line in lines if "MoLM-1536" in line)
    assert row.startswith("| MoLM-1536 (published, Ravuri et al., ICML 2018 [35]) |")
    assert "constants from Table 4, CIFAR-10 of dos Santos et al., ICCV 2019" in lines[-1]


def test_markdown_names_the_status_of_runs_without_scores(tmp_path: Path) -> None:
    study = read_synthetic(tmp_path)
    text = markdown_table(study, make_table(study, CONFIG.tables["table3"]), "t")
    reasons = "data set photos is not prepared, extractor vgg16 is not there"
    assert f"| taps5 (not run: {reasons}) |" in text
    assert "| paper: FID 5K |" in text and "| 53.8 |" in text
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    remove(folder, "*taps5*")
    study = read_synthetic(folder)
    text = markdown_table(study, make_table(study, CONFIG.tables["table3"]), "t")
    assert "| taps5 (not run)" in text


@pytest.mark.parametrize(
    ("canonical", "keys"),
    [(False, ("fd_lite2_5k", "score_lite2_5k")), (True, ("fid_5k", "is_5k"))],
)
def test_summary_has_one_distance_and_one_score_a_run(
    canonical: bool, keys: tuple[str, ...]
) -> None:
    folder = folder_of(canonical)
    study = read_synthetic(folder, canonical)
    summary = run_summary(study)
    assert list(summary) == [
        name for name, run in study.runs.items() if run.status.startswith("scored")
    ]
    seeds = read_record(scores_path(folder, f"moment_matching-{study.evaluators[0]}"))["seeds"]
    expected = {key: mean(seed["scores"][key]["value"] for seed in seeds) for key in keys}
    assert summary["moment_matching"] == pytest.approx(expected)


def test_titles_and_notes_run_nowhere_and_stay_on_one_row(tmp_path: Path) -> None:
    report = finished_report()
    table = report.tables["table2"]
    hostile = "=cmd|' /C calc'!A0 <script>\nsecond | third"
    frame = table.frame.assign(note=pd.Series(hostile, table.frame.index, dtype="string"))
    write_tables(report.study, {"table2": replace(table, frame=frame)}, tmp_path)
    csv = pd.read_csv(tmp_path / "table2.csv")
    assert set(csv["note"]) == {"'=cmd|' /C calc'!A0 <script> second | third"}
    assert len((tmp_path / "table2.csv").read_text().splitlines()) == 1 + len(frame)
    config = report.study.config.tables["table2"].model_copy(update={"title": hostile})
    text = markdown_table(report.study, replace(table, frame=frame), config.title)
    assert "<script>" not in text and text.startswith("**=cmd|' /C calc'!A0 &lt;script> second")
