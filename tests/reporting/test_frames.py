"""The frames of every score and of every loss, and what means over seeds are."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_report import CONFIG, finished_report, read_synthetic, scores_path
from builders.synthetic_study import ABSENT, folder_of, spaces

from gfmn.common import paths
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables.files import write_tables
from gfmn.reporting.tables.frames import all_scores, convergence
from gfmn.reporting.tables.notes import table_notes
from gfmn.reporting.tables.table import make_table


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Read back from parquet, and equal to the CSV."""
    folder = tmp_path_factory.mktemp("scores")
    write_tables(finished_report().study, {}, folder)
    frame = pd.read_parquet(folder / "scores.parquet")
    csv = pd.read_csv(folder / "scores.csv").astype(frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, frame)
    return frame


def test_every_score_is_one_row(scores: pd.DataFrame) -> None:
    assert not scores.duplicated(["run", "seed", "dataset", "evaluator", "metric"]).any()
    expected = 0
    for path in (folder_of(False) / "data/scores").iterdir():
        expected += sum(len(seed["scores"]) for seed in read_record(path)["seeds"])
    assert len(scores) == expected


def test_columns_are_typed_and_real_images_have_no_seed(scores: pd.DataFrame) -> None:
    dtypes = {"seed": "Int64", "value": "Float64", "n_generated": "Int64", "over": "string"}
    assert {key: str(scores[key].dtype) for key in dtypes} == dtypes
    real = scores["run"] == "Real data"
    assert (real == scores["seed"].isna()).all() and (real == scores["n_generated"].isna()).all()
    assert (
        scores[["evaluator_digest", "resizer", "n_reference", "canonical"]].notna().all(axis=None)
    )
    counts = scores[~real].set_index("metric")["n_generated"]
    assert set(counts["memorised_pixel_1k"]) == {1000} and set(counts["fd_lite2_inf"]) == {5000}


def test_score_is_as_its_file_has_it(scores: pd.DataFrame) -> None:
    rows = scores[(scores["run"] == "moment_matching") & (scores["seed"] == 2)]
    rows = rows.set_index("metric")
    assert rows.loc["score_lite2_5k", "over"] == "10 splits"
    assert rows.loc["precision_lite2_5k", "over"] == "k = 3"
    assert pd.isna(rows.loc["precision_lite2_5k", "std"])


def test_score_names_the_generator_of_its_images(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    (folder / "data/models/vgg16/seed-1/generator.safetensors").write_bytes(b"abc")
    frame = all_scores(read_synthetic(folder))
    row = frame[frame["run"] == "vgg16"].iloc[0]
    assert row["generator_digest"] == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert (row["taps"], row["features"], row["steps"], row["lr"]) == (13, 114688, 1200, 2e-4)
    assert (row["sampling_seed"], row["sampling_batchnorm"]) == (0, "running")
    training = (row["trained_on"], row["extractor"], row["architecture"])
    assert training == ("photos", "vgg16", "lite2")
    real = frame[frame["run"] == "Real data"]
    assert real[["generator_digest", "extractor", "steps", "sampling_seed"]].isna().all(axis=None)


def test_scores_against_other_data_are_in_the_frame_alone(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    record = read_record(scores_path(folder, "moment_matching-lite2"))
    for seed in record["seeds"]:
        seed["scores"]["fd_lite2_5k"]["value"] = 9999.0
    record |= {"dataset": "faces", "n_reference": 777}
    write_record(scores_path(folder, "moment_matching-faces"), record)
    sections = spaces()
    other = {"run": "moment_matching", "dataset": "faces", "evaluator": "lite2"}
    sections["evaluations"] = {"moment_matching-faces": other} | sections["evaluations"]
    study = read_study(folder, CONFIG, **sections)
    row = make_table(study, CONFIG.tables["table2"]).frame.set_index("run").loc["moment_matching"]
    assert row["fd_lite2_5k"] < 1000 and row["scored_against"] == "photos"
    frame = all_scores(study)
    assert set(frame.loc[frame["dataset"] == "faces", "n_reference"]) == {777}


def test_row_has_mean_and_deviation_over_seeds() -> None:
    report = finished_report()
    frame = report.tables["table2"].frame.set_index("run")
    scores = all_scores(report.study)
    rows = scores[scores["run"] == "moment_matching"]
    groups = rows.groupby(["evaluator", "metric"])["value"]
    for (_, key), values in groups:
        assert frame.loc["moment_matching", key] == pytest.approx(values.mean())
        assert frame.loc["moment_matching", f"{key}_std"] == pytest.approx(values.std())
        assert frame.loc["moment_matching", f"{key}_over"] == "3 seeds"
    assert groups.ngroups > 10 and (groups.size() == 3).all()


def test_deviation_of_one_seed_is_the_scores_own() -> None:
    report = finished_report()
    row = report.tables["table2"].frame.set_index("run").loc["encoder"]
    assert (row["score_lite2_5k_std"], row["score_lite2_5k_over"]) == (0.08, "10 splits")
    assert row["kd_lite2_5k_over"] == "100 subsets of 1,000"
    assert pd.isna(row["fd_lite2_5k_std"]) and pd.isna(row["fd_lite2_5k_over"])


def test_run_without_scores_in_one_space_has_the_others() -> None:
    report = finished_report()
    frame = report.tables["table2"].frame.set_index("run")
    assert ABSENT == "vgg16-own" and frame.loc["vgg16", "status"] == "scored in 1 of 2 spaces"
    assert pd.isna(frame.loc["vgg16", "fd_own_5k"]) and frame.loc["vgg16", "fd_lite2_5k"] > 0
    assert pd.isna(frame.loc["vgg16", "n_generated_own"])
    assert frame.loc["encoder", "status"] == "scored" and frame.loc["encoder", "fd_own_5k"] > 0
    assert frame.loc["Real data", ["fd_lite2_5k", "fd_own_5k", "accuracy_own_5k"]].notna().all()


def study_of(folder: Path, losses: dict[str, list[float]]) -> Study:
    """A synthetic study whose runs have these losses, one every ten steps."""
    copy = folder / "study"
    shutil.copytree(folder_of(True), copy)
    for run, values in losses.items():
        for path in (copy / paths.history(run)).glob("seed-*.tsv"):
            rows = {"step": range(10, 10 * len(values) + 1, 10), "images": 1, "lr": 0.1}
            pd.DataFrame(rows | {"loss": values}).to_csv(path, sep="\t", index=False)
    return read_study(copy, CONFIG, **spaces())


def test_fall_is_of_the_whole_and_swing_of_the_last_third(tmp_path: Path) -> None:
    frame = convergence(study_of(tmp_path, {"encoder": [90, 9, 50, 50, 4, 6, 9, 2, 3]}))
    row = frame[frame["run"] == "encoder"].iloc[0]
    assert (row["first_step"], row["first"], row["last"]) == (10, 90, 3)
    assert row["fall"] == pytest.approx(30) and row["swing"] == pytest.approx(1.5)


def test_losses_that_are_not_positive_or_too_few_do_not_count(tmp_path: Path) -> None:
    losses = {"encoder": [8.0, 0.0, 4.0, 2.0], "ma64": [1.0, 1.0]}
    frame = convergence(study_of(tmp_path, losses)).set_index("run")
    assert set(frame.loc[["encoder"], "fall"]) == {4.0}
    assert "ma64" not in frame.index


def test_note_names_the_worst_seed_of_each_run(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"encoder": [80.0, 20.0, 4.0], "ma64": [6.0, 3.0, 3.0]})
    note = table_notes(study, make_table(study, CONFIG.tables["figure4"]))[-1]
    assert "swung by the factor in brackets" in note
    assert "ma64 2 (1)" in note and "encoder 20 (1)" in note
