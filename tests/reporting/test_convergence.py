"""How far a loss fell and swung, from histories whose answers are known."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.synthetic_report import CONFIG
from builders.synthetic_study import folder_of, spaces

from gfmn.common import paths
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables.convergence import convergence, convergence_note


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


def test_a_steady_fall_is_no_swing(tmp_path: Path) -> None:
    frame = convergence(study_of(tmp_path, {"encoder": [9, 8, 7, 6, 5, 4, 3, 2, 1]}))
    assert set(frame[frame["run"] == "encoder"]["swing"]) == {1.0}


def test_losses_that_are_not_positive_or_too_few_do_not_count(tmp_path: Path) -> None:
    losses = {"encoder": [8.0, 0.0, 4.0, 2.0], "ma64": [1.0, 1.0]}
    frame = convergence(study_of(tmp_path, losses)).set_index("run")
    assert set(frame.loc[["encoder"], "fall"]) == {4.0}
    assert "ma64" not in frame.index


def test_note_names_the_worst_seed_of_each_run(tmp_path: Path) -> None:
    study = study_of(tmp_path, {"encoder": [80.0, 20.0, 4.0], "ma64": [6.0, 3.0, 3.0]})
    assert convergence_note(study, ["encoder", "ma64"]).endswith(": encoder 20 (1), ma64 2 (1).")
    assert convergence_note(study, []) == ""
