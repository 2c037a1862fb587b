"""The notes below a table: what ± is over, and what compares with the paper."""

import pytest
from builders.paper_tables import TABLE4, study_on, table4
from builders.synthetic_report import CONFIG, Report, finished_report
from builders.synthetic_study import parameters

from gfmn.reporting.paper import paper_tables, paper_title
from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.files import markdown_table
from gfmn.reporting.tables.table import make_table


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


@pytest.mark.parametrize(("dataset", "canonical"), [("cifar10", False), ("faces", True)])
def test_no_difference_is_mentioned_where_none_is_given(dataset: str, canonical: bool) -> None:
    text = markdown_table(study_on(dataset, canonical), table4(dataset, canonical), "t")
    assert "Δ" not in text


def test_published_scores_are_said_to_be_of_another_space() -> None:
    apart = "The published scores are in Inception’s features and ours in those of lite2 and own"
    also = "The published scores are in Inception’s features and ours also in those of own"
    assert apart in markdown_table(study_on("cifar10", False), table4(canonical=False), "t")
    assert also in markdown_table(study_on("cifar10"), table4(), "t")
    assert "The published scores" not in markdown(finished_report(), "table2")  # has none


def test_paper_data_set_of_the_table_is_named() -> None:
    rows = {"vgg16": TABLE4.rows["vgg16"].model_copy(update={"paper": 1})}
    table = table4("stl10", paper="table4_stl10", rows=rows)
    assert "in the paper STL-10, with" in markdown_table(study_on("stl10"), table, "t")


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
