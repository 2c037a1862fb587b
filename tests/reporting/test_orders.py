"""Pairs of runs: which order their seeds decide, in which space, and whether it is the paper's."""

from collections.abc import Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
import pytest
from builders.score_files import facts_of
from builders.synthetic_report import finished_report

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.networks import Networks
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import RunEvaluation, RunResult, SeedResult, Study
from gfmn.reporting.tables.files import markdown_table, write_tables
from gfmn.reporting.tables.orders import order_notes, orders_frame
from gfmn.reporting.tables.table import make_table

Values = Mapping[str, Mapping[str, Mapping[int, float]]]  # of the distance: space, run, seed
NETWORKS = Networks(
    {
        "fetched": {"vgg16": {"architecture": "vgg16"}, "lite0": {"architecture": "lite"}},
        "combined": {"both": {"networks": ["vgg16", "lite0"]}},
    },
    {"from_extractor": {"lite0": {"extractor": "lite0"}}},
)
PAPER_ROWS = {"encoder": 0, "resnet18": 2, "vgg16": 3, "same": 4, "both": 5}  # of Table 2


def scores_of(run: str, space: str, values: Mapping[int, float], dataset: str) -> RunScores:
    key = f"fd_{space}_5k"
    facts = facts_of(key) | {"std": None, "over": None}
    record: dict[str, Any] = {
        **{"run": run, "dataset": dataset, "evaluator": space, "architecture": "any"},
        **{"evaluator_digest": "e", "resizer": "r", "canonical": False, "in_domain": False},
        **{"n_generated": 5000, "n_reference": 10000, "sampling": {}},
        "seeds": [{"seed": seed} for seed in values],
        "rows": pd.DataFrame(
            [facts | {"seed": k, "score": key, "value": v} for k, v in values.items()]
        ),
    }
    return RunScores.parse(record, run)


def study_of(values: Values, datasets: Mapping[str, str] | None = None) -> Study:
    runs = {}
    for run in dict.fromkeys(run for space in values.values() for run in space):
        dataset = (datasets or {}).get(run, "d")
        evaluations = tuple(
            RunEvaluation(
                f"{run}-{space}", dataset, space, scores_of(run, space, by_run[run], dataset)
            )
            for space, by_run in values.items()
            if run in by_run
        )
        parameters = {"dataset": dataset, "extractor": run}
        runs[run] = RunResult(run, parameters, (SeedResult(0, None, None, (), None),), evaluations)
    rows = {run: {"paper": PAPER_ROWS.get(run)} for run in runs}
    table = {"title": "t", "paper": "table2", "rows": rows}
    alone = {"title": "f", "rows": {run: {} for run in runs}}
    config = ReportConfig.parse({"tables": {"t": table, "f": alone}}, "report")
    return Study(Path(), config, runs, tuple(values), {}, {}, {}, {}, networks=NETWORKS)


def frame_of(study: Study) -> pd.DataFrame:
    tables = {name: make_table(study, table) for name, table in study.config.tables.items()}
    return orders_frame(study, tables)


def verdicts(study: Study, table: str = "t") -> dict[tuple[str, str, str], str]:
    frame = frame_of(study)
    rows = frame[frame["table"] == table]
    keys = zip(rows["space"], rows["run"], rows["other"], strict=True)
    return dict(zip(keys, rows["verdict"], strict=True))


def notes(study: Study, table: str = "t") -> list[str]:
    return order_notes(study, make_table(study, study.config.tables[table]))


CLEAR = {
    "encoder": {0: 300.0, 1: 310.0, 2: 305.0},
    "vgg16": {0: 100.0, 1: 104.0, 2: 99.0},
    "both": {0: 200.0, 1: 190.0, 2: 195.0},
}


def test_verdict_is_by_twice_the_deviation_of_the_difference() -> None:
    study = study_of({"x": CLEAR})
    expected = {
        ("x", "vgg16", "encoder"): "as in the paper",
        ("x", "both", "encoder"): "as in the paper",
        ("x", "both", "vgg16"): "reversed",
    }
    assert verdicts(study) == expected
    row = frame_of(study).set_index(["table", "run", "other"]).loc[("t", "both", "vgg16")]
    a, b = list(CLEAR["both"].values()), list(CLEAR["vgg16"].values())
    difference = (mean(b) - mean(a)) / (stdev(a) ** 2 + stdev(b) ** 2) ** 0.5
    assert row["difference_in_deviations"] == pytest.approx(difference)
    assert (row["mean"], row["other_mean"]) == (mean(a), mean(b))
    assert (row["std"], row["other_std"]) == (pytest.approx(stdev(a)), pytest.approx(stdev(b)))
    assert (row["n"], row["other_n"], row["better_in_paper"]) == (3, 3, "both")


@pytest.mark.parametrize(("other", "decided"), [(102.82, False), (102.84, True)])
def test_two_deviations_are_the_limit(other: float, decided: bool) -> None:
    # Both deviations are 1, so the difference's is the square root of 2.
    values = {"vgg16": {0: 99.0, 1: 100.0, 2: 101.0}}
    values |= {"encoder": {0: other - 1, 1: other, 2: other + 1}}
    verdict = verdicts(study_of({"x": values}))["x", "vgg16", "encoder"]
    assert verdict == ("as in the paper" if decided else "not decided")


@pytest.mark.parametrize(
    ("encoder", "reason"),
    [
        ({0: 300.0}, "one seed"),
        ({0: 300.0, 1: 301.0}, "other seeds"),
        ({0: 300.0, 1: 301.0, 3: 302.0}, "other seeds"),
        ({0: 100.0, 1: 900.0, 2: 100.0}, "within two deviations"),
    ],
)
def test_pair_is_not_decided_by_one_seed_other_seeds_or_noise(
    encoder: dict[int, float], reason: str
) -> None:
    frame = frame_of(study_of({"x": CLEAR | {"encoder": encoder}}))
    row = frame.set_index(["table", "run", "other"]).loc[("t", "vgg16", "encoder")]
    assert (row["verdict"], row["reason"]) == ("not decided", reason)


def test_equal_rows_of_the_paper_and_rows_beyond_it_make_no_pair() -> None:
    values = CLEAR | {"same": CLEAR["encoder"], "mine": CLEAR["vgg16"]}
    pairs = {frozenset(key[1:]) for key in verdicts(study_of({"x": values}))}
    assert frozenset(("vgg16", "same")) not in pairs  # 25.5 both
    assert not any("mine" in pair for pair in pairs) and len(pairs) == 5


def test_runs_scored_against_different_images_make_no_pair() -> None:
    assert verdicts(study_of({"x": CLEAR}, {"vgg16": "other"})).keys() == {("x", "both", "encoder")}


def test_every_space_in_which_both_are_scored_has_its_sentence() -> None:
    study = study_of({"x": CLEAR, "y": {run: CLEAR[run] for run in ("encoder", "vgg16")}})
    assert notes(study) == [
        "Decided pairs of rows in x, by fd_x_5k: 3 of 3, n = 3 seeds; 2 as in the paper, "
        "1 reversed: vgg16 is better than both",
        "Decided pairs of rows in y, by fd_y_5k: 1 of 1, n = 3 seeds; 1 as in the paper, "
        "0 reversed",
        "A pair is decided where both runs have the same two or more seeds and their means differ "
        "by more than twice the deviation of the difference",
    ]


def test_one_seed_decides_nothing_and_the_note_says_so() -> None:
    one = {run: {0: values[0]} for run, values in CLEAR.items()}
    note, _ = notes(study_of({"x": one}))
    assert note.endswith("by fd_x_5k: 0 of 3; in each pair a run has one seed")


def test_pairs_with_a_run_of_the_spaces_own_network_are_not_counted() -> None:
    study = study_of({"x": CLEAR, "lite0": CLEAR})
    x, lite0, _ = notes(study)
    assert "x, by fd_x_5k: 3 of 3, n" in x
    expected = "1 of 1, without those of both, trained on this very network, n = 3 seeds; 1 as in"
    assert expected in lite0
    frame = frame_of(study)
    flattered = frame[frame["flattered"].notna()]
    assert set(flattered["space"]) == {"lite0"} and set(flattered["flattered"]) == {"both"}
    assert len(flattered[flattered["table"] == "t"]) == 2


def test_table_without_an_order_of_the_paper_names_the_better_run() -> None:
    study = study_of({"x": CLEAR | {"near": {0: 101.0, 1: 103.0, 2: 102.0}}})
    found = verdicts(study, "f")
    assert len(found) == 6
    assert found["x", "encoder", "vgg16"] == "better: vgg16"
    assert found["x", "vgg16", "near"] == "not decided"
    frame = frame_of(study)
    assert frame[frame["table"] == "f"]["better_in_paper"].isna().all()
    assert "5 of 6, n = 3 seeds; vgg16 is better than encoder" in notes(study, "f")[0]


def test_pairs_are_written_to_files_under_the_tables_and_on_the_page(tmp_path: Path) -> None:
    report = finished_report()
    write_tables(report.study, report.tables, tmp_path)
    frame = pd.read_parquet(tmp_path / "orders.parquet")
    pd.testing.assert_frame_equal(frame, orders_frame(report.study, report.tables))
    csv = pd.read_csv(tmp_path / "orders.csv").astype(frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, frame)
    assert list(frame["table"].unique()) == ["table2", "table3", "figure4"]
    for name, table in report.tables.items():
        text = markdown_table(report.study, table, name)
        for note in order_notes(report.study, table):
            assert f"\n- {note}.\n" in text and f"{note}." in report.page
