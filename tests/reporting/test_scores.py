"""Scores in the report: over seeds, in several spaces, under names that say which."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_study import (
    ABSENT,
    CONFIG,
    OWN,
    Made,
    Reader,
    finished,
    folder_of,
    make,
    parameters,
    spaces,
)

from gfmn.reporting import names
from gfmn.reporting.display import cells, score_column
from gfmn.reporting.markdown import markdown, write_tables
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.summary import every_score
from gfmn.reporting.tables import make_table

FILE = "data/scores/running-lite2.parquet"


def read(folder: Path) -> Study:
    return read_study(folder, CONFIG, **spaces())


@pytest.fixture(scope="module")
def made() -> Made:
    return finished()


@pytest.fixture(scope="module")
def whole() -> Path:
    return folder_of(False)


@pytest.fixture(scope="module")
def canonical() -> Made:
    return finished(canonical=True)


@pytest.fixture(scope="module")
def long(made: Made, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("long")
    write_tables(made.study, made.tables, folder)
    frame = pd.read_parquet(folder / "scores.parquet")
    csv = pd.read_csv(folder / "scores.csv").astype(frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, frame)
    return frame


def test_a_row_is_the_mean_and_the_deviation_over_seeds(made: Made, long: pd.DataFrame) -> None:
    frame = made.tables["table2"].frame.set_index("run")
    of_run = long[long["run"] == "running"].groupby(["evaluator", "metric"])["value"]
    for (_, key), values in of_run:
        assert frame.loc["running", key] == pytest.approx(values.mean())
        assert frame.loc["running", f"{key}_std"] == pytest.approx(values.std())
        assert frame.loc["running", f"{key}_over"] == "3 seeds"
    assert of_run.ngroups > 10 and (of_run.size() == 3).all()


def test_the_deviation_of_one_seed_says_that_it_is_over_splits(made: Made) -> None:
    row = made.tables["table2"].frame.set_index("run").loc["encoder"]
    assert (row["score_lite2_5k_std"], row["score_lite2_5k_over"]) == (0.08, "10 splits")
    assert row["kd_lite2_5k_over"] == "100 subsets of 1,000"
    assert pd.isna(row["fd_lite2_5k_std"]) and pd.isna(row["fd_lite2_5k_over"])
    text = markdown(made.study, made.tables["table2"], "t")
    assert "over seeds where a run has several, and else the score’s own deviation" in text
    assert "over 10 splits (score_lite2_5k) and over 100 subsets of 1,000 (kd_lite2_5k)" in text
    alone = markdown(made.study, made.tables["figure4"], "t")
    assert "± is the score’s own deviation" in alone and "over seeds" not in alone


def test_every_score_is_one_row_a_run_seed_evaluator_and_metric(
    whole: Path, long: pd.DataFrame
) -> None:
    keys = ["run", "seed", "dataset", "evaluator", "metric"]
    assert not long.duplicated(keys).any()
    expected = 0
    for path in whole.glob("data/scores/*.parquet"):
        expected += sum(len(seed["scores"]) for seed in read_record(path)["seeds"])
    assert len(long) == expected
    kinds = {"seed": "Int64", "value": "Float64", "n_generated": "Int64", "over": "string"}
    assert {key: str(long[key].dtype) for key in kinds} == kinds
    real = long["run"] == "Real data"
    assert (real == long["seed"].isna()).all() and (real == long["n_generated"].isna()).all()
    assert long[["evaluator_digest", "resizer", "n_reference", "canonical"]].notna().all(axis=None)
    counts = long[~real].set_index("metric")["n_generated"]
    assert set(counts["memorised_pixel_1k"]) == {1000} and set(counts["fd_lite2_inf"]) == {5000}


def test_a_score_stays_as_its_file_has_it(long: pd.DataFrame) -> None:
    row = long[(long["run"] == "running") & (long["seed"] == 2)].set_index("metric")
    assert row.loc["score_lite2_5k", "over"] == "10 splits"
    assert row.loc["precision_lite2_5k", "over"] == "k = 3"
    assert pd.isna(row.loc["precision_lite2_5k", "std"])


def test_a_run_without_scores_in_one_space_shows_those_of_others(made: Made) -> None:
    frame = made.tables["table2"].frame.set_index("run")
    assert ABSENT == "vgg16-own" and frame.loc["vgg16", "status"] == "scored in 1 of 2 spaces"
    assert pd.isna(frame.loc["vgg16", "fd_own_5k"]) and frame.loc["vgg16", "fd_lite2_5k"] > 0
    assert pd.isna(frame.loc["vgg16", "n_generated_own"])
    assert frame.loc["encoder", "status"] == "scored" and frame.loc["encoder", "fd_own_5k"] > 0
    assert frame.loc["Real data", ["fd_lite2_5k", "fd_own_5k", "accuracy_own_5k"]].notna().all()


def test_a_table_shows_few_columns_and_the_page_shows_all_scores(made: Made) -> None:
    head = markdown(made.study, made.tables["table2"], "t").splitlines()[2]
    assert "fd_lite2_inf" in head and "recall_lite2_5k" in head and "fd_own_5k" in head
    assert not re.search("memorised|kd_own|fd_own_inf|confidence", head)
    shown = {score["data-score"] for score in Reader(made.text).scores}
    assert shown == {key for table in made.tables.values() for s in table.spaces for key in s.keys}


def test_every_score_stands_with_its_evaluator_and_count(made: Made) -> None:
    scores = Reader(made.text).scores
    assert len(scores) > 7 * sum(len(table.frame) for table in made.tables.values())
    for score in scores:
        key = score["data-score"]
        n = "1,000" if key.endswith("_1k") else "5,000"
        evaluator = score["data-evaluator"]
        assert score["data-n"] == n and (evaluator in key or key.startswith("memorised_pixel"))
    assert "5,000 generated against 10,000 real" in made.text
    assert "5,000 against 5,001" in made.text


def test_only_inceptions_own_space_has_fid_is_and_kid(made: Made, canonical: Made) -> None:
    own = re.compile(r"(^|_)(fid|is|kid)_(5k|inf)")
    ours = [c for t in made.tables.values() for c in t.frame if not c.startswith("paper_")]
    assert not [column for column in ours if own.search(column)]
    words = " ".join(Reader(made.text).words)
    assert "No number here can be compared with the paper’s in absolute terms" in words
    assert not re.search(r"\bKID\b|\bfid_|\bkid_", words)
    table = canonical.tables["table2"]
    assert {"fid_5k", "fid_inf", "is_5k", "kid_5k"} <= set(table.frame)
    assert [space.evaluator for space in table.spaces] == ["inception", "own"]
    assert table.distance == "fid_5k"
    shown = Reader(canonical.text).scores
    for score in shown:
        assert own.match(score["data-score"] or "") is None or (
            score["data-evaluator"] == "inception"
        )


def test_what_compares_with_the_paper_is_said_as_far_as_it_does(
    made: Made, canonical: Made
) -> None:
    text = markdown(made.study, made.tables["table2"], "t")
    assert "feature space of lite2 and own, none of which is Inception’s" in text
    assert "CIFAR-10 with Inception; only orders compare" in text
    text = markdown(canonical.study, canonical.tables["table2"], "t")
    same = "as far as data set, number of images and resizer agree"
    here = "photos, 5,000 generated against 10,000 real, antialiased bilinear to 299 px"
    assert same in text and f"here {here}; there CIFAR-10" in text
    assert "which is not Inception’s" in text and "of the scores in own only orders compare" in text
    assert "No number here can be compared" not in canonical.text
    assert f"FID and IS here compare with the paper’s {same}; of all other" in canonical.text
    taps = {d.name: d.caption for d in canonical.drawings}["taps-table3"]
    assert "Both are FID" in taps and "antialiased bilinear to 299 px" in taps


def test_provenance_names_each_network_and_what_is_held_out(made: Made) -> None:
    words = Reader(made.text).words
    for fact in ("cd" * 32, "0e" * 32, "antialiased bilinear to 64 px", "manifold.k"):
        assert fact in words
    assert "the other half" in words and "5,000 against 5,001" in words


def test_memorisation_and_classes_are_sections_only_where_they_were_measured(
    made: Made, whole: Path, tmp_path: Path
) -> None:
    assert {"memorisation", "classes", "scores"} <= Reader(made.text).ids
    folder = shutil.copytree(whole, tmp_path / "study")
    for run in OWN:
        (folder / f"data/scores/{run}-own.parquet").unlink(missing_ok=True)
    for path in folder.glob("data/scores/*-lite2.parquet"):
        record = read_record(path)
        for seed in record["seeds"]:
            seed.pop("nearest", None)
            seed["scores"] = {k: v for k, v in seed["scores"].items() if "memorised" not in k}
        write_record(path, record)
    found = make(folder)
    assert not Reader(found.text).ids & {"memorisation", "classes"}
    assert not {"nearest", "memorised", "classes"} & {d.kind for d in found.drawings}


def test_a_scores_name_says_kind_direction_and_count() -> None:
    assert names.kind("class_distance_own_5k") == "class_distance" and names.kind("x_5k") == ""
    assert names.best("kid_5k") == "min" and names.best("memorised_pixel_1k") == "half"
    assert [names.count(k) for k in ("fd_x_5k", "fd_x_1797", "fd_x_inf")] == [5000, 1797, None]
    keys = {"fd_x_inf", "new_x_5k", "fd_x_50k", "kd_x_5k", "fd_x_5k"}
    assert names.ordered(keys) == ["fd_x_5k", "fd_x_50k", "fd_x_inf", "kd_x_5k", "new_x_5k"]


def test_rows_are_ordered_by_the_distance_that_most_runs_have(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "study")
    path = folder / "data/scores/reference-photos-lite2.parquet"
    record = read_record(path)
    scores = record["seeds"][0]["scores"]
    scores["fd_lite2_2500"] = scores.pop("fd_lite2_5k")
    write_record(path, record)
    table = make_table(read(folder), CONFIG.tables["table2"])
    assert table.distance == "fd_lite2_5k" and "fd_lite2_2500" in table.frame


def test_scores_against_another_data_set_stand_beside_and_not_among(
    whole: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "study")
    record = read_record(folder / FILE) | {"dataset": "faces", "n_reference": 777}
    for seed in record["seeds"]:
        seed["scores"]["fd_lite2_5k"]["value"] = 9999.0
    write_record(folder / "data/scores/running-faces.parquet", record)
    sections = spaces()
    other = {"run": "running", "dataset": "faces", "evaluator": "lite2"}
    sections["evaluations"] = {"running-faces": other} | sections["evaluations"]
    study = read_study(folder, CONFIG, **sections)
    row = make_table(study, CONFIG.tables["table2"]).frame.set_index("run").loc["running"]
    assert row["fd_lite2_5k"] < 1000 and row["scored_against"] == "photos"
    frame = every_score(study)
    assert set(frame.loc[frame["dataset"] == "faces", "n_reference"]) == {777}


def test_counts_that_differ_between_runs_are_columns(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "study")
    path = folder / "data/scores/encoder-lite2.parquet"
    write_record(path, read_record(path) | {"n_generated": 50000})
    reference = folder / "data/scores/reference-photos-lite2.parquet"
    record = read_record(reference)
    record["held_out"] = {"dataset": "photos_test", "count": 5000, "how": "a data set held out"}
    write_record(reference, record)
    study = read(folder)
    table = make_table(study, CONFIG.tables["table2"])
    lines = markdown(study, table, "t").splitlines()
    assert "| Scored against | n generated | n reference |" in lines[2]
    assert "held out: photos_test" in lines[4]
    assert "| photos | 50,000 | 10,000 |" in lines[5] and "| photos | 5,000 | 10,000 |" in lines[6]


def test_a_study_without_evaluations_is_still_a_table(tmp_path: Path) -> None:
    study = read_study(tmp_path, CONFIG, parameters(), {}, {})
    table = make_table(study, CONFIG.tables["table3"])
    assert table.main is None and table.distance is None
    assert "| vgg16 (not run: data set photos is not prepared" in markdown(study, table, "t")


def test_a_value_that_all_runs_share_is_not_marked_as_the_best() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "recall_x_5k": [0.0, 0.0], "fd_x_5k": [1.0, 2.0]})
    columns = [score_column(frame, "x", key) for key in ("recall_x_5k", "fd_x_5k")]
    best = [[cell.best for cell in cells(frame, column)] for column in columns]
    assert best == [[False, False], [True, False]]
