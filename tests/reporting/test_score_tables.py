"""The page's tables of scores: each score with its evaluator and its number of images."""

import re

import pytest
from builders.synthetic_report import PageReader, Report, finished_report


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def test_page_shows_every_score(report: Report) -> None:
    shown = {score["data-score"] for score in PageReader(report.page).scores}
    spaces = [space for table in report.tables.values() for space in table.spaces]
    assert shown == {key for space in spaces for key in space.scores}


def test_every_score_has_its_evaluator_and_count(report: Report) -> None:
    scores = PageReader(report.page).scores
    assert len(scores) > 7 * sum(len(table.frame) for table in report.tables.values())
    for score in scores:
        key, evaluator = str(score["data-score"]), str(score["data-evaluator"])
        assert score["data-n"] == ("1,000" if key.endswith("_1k") else "5,000")
        assert evaluator in key or key.startswith("memorised_pixel")
    assert "5,000 generated against 10,000 real" in report.page
    assert "5,000 against 5,001" in report.page


def test_only_inceptions_own_space_has_inception_names(report: Report) -> None:
    text = " ".join(PageReader(report.page).texts)
    assert not re.search(r"\bKID\b|\bfid_|\bkid_", text)
    for score in PageReader(finished_report(canonical=True).page).scores:
        is_inception = re.match(r"(fid|is|kid)_", score["data-score"] or "")
        assert not is_inception or score["data-evaluator"] == "inception"
