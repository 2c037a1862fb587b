"""Scores over seeds: the mean, its deviation, and what that is over."""

import pandas as pd
import pytest
from builders.synthetic_report import Report, finished_report
from builders.synthetic_study import ABSENT

from gfmn.reporting.tables.all_scores import all_scores


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def test_row_has_mean_and_deviation_over_seeds(report: Report) -> None:
    frame = report.tables["table2"].frame.set_index("run")
    scores = all_scores(report.study)
    rows = scores[scores["run"] == "moment_matching"]
    groups = rows.groupby(["evaluator", "metric"])["value"]
    for (_, key), values in groups:
        assert frame.loc["moment_matching", key] == pytest.approx(values.mean())
        assert frame.loc["moment_matching", f"{key}_std"] == pytest.approx(values.std())
        assert frame.loc["moment_matching", f"{key}_over"] == "3 seeds"
    assert groups.ngroups > 10 and (groups.size() == 3).all()


def test_deviation_of_one_seed_is_the_scores_own(report: Report) -> None:
    row = report.tables["table2"].frame.set_index("run").loc["encoder"]
    assert (row["score_lite2_5k_std"], row["score_lite2_5k_over"]) == (0.08, "10 splits")
    assert row["kd_lite2_5k_over"] == "100 subsets of 1,000"
    assert pd.isna(row["fd_lite2_5k_std"]) and pd.isna(row["fd_lite2_5k_over"])


def test_run_without_scores_in_one_space_has_the_others(report: Report) -> None:
    frame = report.tables["table2"].frame.set_index("run")
    assert ABSENT == "vgg16-own" and frame.loc["vgg16", "status"] == "scored in 1 of 2 spaces"
    assert pd.isna(frame.loc["vgg16", "fd_own_5k"]) and frame.loc["vgg16", "fd_lite2_5k"] > 0
    assert pd.isna(frame.loc["vgg16", "n_generated_own"])
    assert frame.loc["encoder", "status"] == "scored" and frame.loc["encoder", "fd_own_5k"] > 0
    assert frame.loc["Real data", ["fd_lite2_5k", "fd_own_5k", "accuracy_own_5k"]].notna().all()
