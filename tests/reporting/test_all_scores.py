"""The frame of every score: one row a run, seed, evaluator and metric."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_report import CONFIG, finished_report, read_synthetic, scores_path
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.all_scores import all_scores
from gfmn.reporting.tables.files import write_tables
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
