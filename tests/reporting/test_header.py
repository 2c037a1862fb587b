"""What the page says first: the headline run, and what compares with the paper."""

import pytest
from builders.synthetic_report import PageReader, finished_report

from gfmn.reporting.page.header import Comparability, key_figures
from gfmn.reporting.page.render import render_comparability

INCEPTION = "FID and IS here compare with the paper’s as far as data set, number of images and"


def sentences(inception: list[str], others: list[str]) -> str:
    facts = Comparability(["a", "b"], ["vgg16"], 1200, inception, others, "photos, 5,000")
    return " ".join(PageReader(render_comparability(facts)).texts)


@pytest.mark.parametrize(
    ("inception", "others", "expected"),
    [
        ([], [], ["No number here can be compared", "There are no scores yet."]),
        ([], ["lite2"], ["No number here can be compared", "of lite2: none of them is an FID"]),
        (["inception"], [], [f"{INCEPTION} resizer agree.", "own Inception: photos, 5,000."]),
        (
            ["inception"],
            ["lite2", "own"],
            [
                f"{INCEPTION} resizer agree; of all other scores only the order of the rows does.",
                "own Inception: photos, 5,000. The others are taken in the features of lite2 and "
                "own.",
            ],
        ),
    ],
)
def test_what_compares_with_the_paper_is_said(
    inception: list[str], others: list[str], expected: list[str]
) -> None:
    text = sentences(inception, others)
    assert all(part in text for part in expected)
    assert "Here the data are a and b" in text and "at most 1,200 updates." in text


def test_key_figures_say_what_they_are_of() -> None:
    figures = {
        name: (value, detail) for name, value, detail in key_figures(finished_report().study)
    }
    counts = "lite2, 3 seeds, each 5,000 generated against 10,000 real; ± over 3 seeds"
    assert figures["Fréchet distance"][1] == f"fd_lite2_5k; {counts}"
    assert figures["Real against real"] == (
        "20.13",
        "fd_lite2_5k; lite2; 5,000 against 5,001 other real images",
    )
    assert figures["Matched features"] == ("114,688", "of 13 taps, mean and variance")
    steps = "3 seeds, each of 1,200 steps of 64 images"
    assert figures["Training"] == ("4 min 0 s", steps)
