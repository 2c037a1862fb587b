"""Rows of the paper that no run is compared with, differences, and ranks."""

from typing import Any

import pandas as pd
import pytest
from builders.paper_tables import TABLE4, study_on, table4

from gfmn.reporting.formatting import join
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import is_paper_dataset, ranks


def test_published_rows_are_in_the_papers_order_around_the_runs() -> None:
    frame = table4().frame
    assert list(frame["kind"][:6]) == ["real", "published", "published", "run", "run", "run"]
    assert list(frame["run"][:6].fillna("-")) == [
        *("Real data", "-", "-", "vgg16", "moment_matching", "vgg16_lite0")
    ]
    assert list(frame["paper_row"].dropna()) == [
        row["paper_row"] for row in paper_tables()["table4"]
    ]
    groups = frame["paper_group"].fillna("")
    assert set(groups[1:6]) == {"no adversarial training"} and groups[0] == ""


def test_published_rows_have_the_papers_columns_alone() -> None:
    frame = table4().frame
    published = frame[frame["kind"] == "published"]
    ours = [c for c in frame if c not in ("kind", "status", "beyond") and "paper" not in c]
    assert published[ours].isna().all(axis=None) and published["paper_source"].notna().all()
    gan = published.set_index("paper_row").loc["SN-GANs"]
    assert (gan["paper_is_mean"], gan["paper_is_std"], gan["paper_fid5k"]) == (7.58, 0.12, 25.5)
    assert pd.isna(gan["paper_fid50k"])


def test_table_of_the_other_data_set_has_its_scores() -> None:
    rows = TABLE4.rows | {"vgg16_lite0": TABLE4.rows["vgg16"].model_copy(update={"paper": 2})}
    rows["vgg16"] = rows["vgg16"].model_copy(update={"paper": 1})
    table = table4("stl10", paper="table4_stl10", rows=rows)
    frame = table.frame.set_index("paper_row")
    assert frame.loc["Real data", "paper_fid50k"] == 4
    assert frame.loc["SN-GANs", "paper_is_mean"] == 8.79
    assert frame.loc["GFMN, VGG + ResNet", "paper_fid50k"] == 17.2


def test_differences_are_ours_minus_the_papers_in_inceptions_space() -> None:
    frame = table4().frame
    rows = frame[frame["kind"] != "published"].dropna(subset="paper_fid5k")
    assert join(rows["run"]) == "Real data, vgg16 and vgg16_lite0"
    for _, row in rows.iterrows():
        assert row["difference_fid5k"] == pytest.approx(row["fid_5k"] - row["paper_fid5k"])
        assert row["difference_is"] == pytest.approx(row["is_5k"] - row["paper_is_mean"])
    assert frame["difference_fid50k"].isna().all()  # there are no 50,000 images here
    assert frame.set_index("run").loc["moment_matching", "difference_fid5k"] is pd.NA


@pytest.mark.parametrize(("dataset", "canonical"), [("cifar10", False), ("faces", True)])
def test_no_difference_in_another_space_or_data_set(dataset: str, canonical: bool) -> None:
    frame = table4(dataset, canonical).frame
    assert frame.filter(like="difference_").isna().all(axis=None)
    assert frame["place"].notna().sum() == 2  # an order compares in any space


def test_ranks_are_among_the_rows_that_have_both() -> None:
    frame = pd.DataFrame(
        {
            "run": pd.Series(["Real data", "a", "b", "c", "d", None], dtype="string"),
            "fd_x_5k": [1.0, 30.0, 20.0, 25.0, 9.0, None],
            "paper_fid5k": [0.5, 9.0, 5.0, 5.0, None, 7.0],
        }
    )
    ranked = pd.DataFrame(ranks(frame, "fd_x_5k")).loc[[1, 2, 3]]
    assert ranked.to_numpy().tolist() == [[3, 3, 3], [1, 1, 3], [2, 1, 3]]
    assert ranks(frame, "fd_x_5k")["place"].isna().sum() == 3
    assert all(column.isna().all() for column in ranks(frame[:2], "fd_x_5k").values())


@pytest.mark.parametrize(
    ("name", "dataset", "expected"),
    [
        ("cifar10_test", "cifar10", True),
        ("mine", "stl10", True),
        ("mine", "cifar10", False),
        (None, "cifar10", False),
        ("cifar100", "cifar10", False),
    ],
)
def test_paper_data_set_is_known_by_source_or_name(name: Any, dataset: str, expected: bool) -> None:
    datasets = {"mine": {"source": "stl10"}, "cifar100": {"source": "parquet"}}
    study = Study(**{**vars(study_on("cifar10")), "datasets": datasets})
    assert is_paper_dataset(study, name, dataset) is expected
