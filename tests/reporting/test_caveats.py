"""What few images and collapsed generators take from a run's numbers stands on the pages."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.synthetic_report import Report, edit_scores, finished_report, make_report
from builders.synthetic_study import folder_of

from gfmn.reporting.caveats import caveats, collapsed
from gfmn.reporting.findings import find
from gfmn.reporting.page.render import render_run

ALIKE = "the images are all alike: they differ by 0 of 255 gray levels, real ones by 60"
FEW = "kd: 50 images are too few for subsets of 1,000, so that the deviation says little"
TRAINED = "all samples are alike, they differ by 0 of 255 gray levels"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A study whose runs `ma64`, by its scores, and `taps3`, by one training, collapsed."""
    folder: Path = shutil.copytree(folder_of(False), tmp_path_factory.mktemp("x") / "study")

    def mark(record: dict[str, Any]) -> None:
        record["seeds"][0]["caveats"] = [FEW, f"collapsed: {ALIKE}"]

    edit_scores(folder, "ma64-lite2", mark)
    path = folder / "data/models/taps3/seed-4/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "collapsed": TRAINED}))
    return make_report(folder, drawn=False)


def test_collapsed_runs_are_named_first_and_marked(report: Report) -> None:
    runs = report.study.runs
    assert collapsed(runs["ma64"]) == ALIKE and collapsed(runs["taps3"]) == f"seed 4: {TRAINED}"
    finding = find(report.study, report.tables)[0]
    assert set(finding.runs) == {"ma64", "taps3"} and ALIKE in finding.text
    assert report.page.count(">collapsed</span>") == 2
    assert ">collapsed</span>" not in finished_report().page


def test_runs_page_lists_what_its_scores_cannot_say(report: Report) -> None:
    run = report.study.runs["ma64"]
    assert caveats(run) == [f"lite2, {FEW}", f"lite2, collapsed: {ALIKE}"]
    page = render_run(report.study, run)
    assert f"<li>lite2, {FEW}.</li>" in page and f"collapsed: {ALIKE}" in page
    assert "<li>" not in render_run(report.study, report.study.runs["vgg16"])


def test_only_run_is_compared_with_none_and_its_few_images_are_named(report: Report) -> None:
    config = report.study.config.model_copy(update={"headline": "ma64"})
    alone = replace(report.study, config=config, runs={"ma64": report.study.runs["ma64"]})
    texts = [finding.text for finding in find(alone, {})]
    assert texts[1].startswith("ma64: fd_lite2_5k") and "too few images" in texts[1]
    whole = [finding.text for finding in find(report.study, report.tables)]
    assert "is nearest to the real images" in whole[1] and "too few images" not in whole[1]
