"""The page's data for comparing runs: curves, scores, parameters and names of images."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd
from builders.report_figures import configured, folder_with_interpolations, study_with_figures
from builders.synthetic_report import PageReader, report_of
from builders.synthetic_study import parameters, spaces

from gfmn.reporting.page.comparison import POINTS, loss_curves
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import RunResult, SeedResult


def comparison(page: str) -> dict[str, Any]:
    """The JSON that the page holds."""
    match = re.search(r'<script type="application/json" id="runs">(.*?)</script>', page, re.S)
    assert match
    data: dict[str, Any] = json.loads(match[1])
    return data


def test_long_curve_keeps_its_ends_and_few_points() -> None:
    steps = np.arange(1, 10_001) * 10
    losses = 123.456789 / steps
    losses[5] = np.nan  # which a logarithmic axis cannot show
    history = pd.DataFrame({"step": steps, "images": 64 * steps, "lr": 0.1, "loss": losses})
    seed = SeedResult(0, None, history, (), None)
    (curve,) = loss_curves(RunResult("a", {}, (seed,), ()))
    assert len(curve["step"]) == len(curve["loss"]) == POINTS
    assert (curve["step"][0], curve["step"][-1]) == (10, 100_000)
    assert curve["loss"][0] == 12.35 and curve["loss"][-1] == 0.001235
    assert curve["images"][-1] == 6_400_000


def test_every_run_is_held_with_its_status_and_curves() -> None:
    data = comparison(study_with_figures().page)
    assert data["chosen"] == ["encoder", "vgg16", "vgg16_lite0", "moment_matching"]
    runs = {run["name"]: run for run in data["runs"]}
    assert set(runs) == set(parameters()) | {"absent"}
    assert runs["absent"]["curves"] == [] and runs["absent"]["status"].startswith("not run")
    assert len(runs["moment_matching"]["curves"]) == 3
    assert "extractor=vgg16" in runs["moment_matching"]["terms"]
    assert runs["encoder"]["matched"] == runs["ma64"]["matched"] != runs["vgg16"]["matched"]


def test_scores_have_their_counts_and_the_papers() -> None:
    groups = comparison(study_with_figures().page)["groups"]
    lite2 = next(group for group in groups if group["title"] == "In lite2")
    images, distance = lite2["rows"][0], lite2["rows"][1]
    assert images[3]["vgg16"] == ["5,000 against 10,000 real", None]
    assert distance[1:3] == ["fd_lite2_5k", "lower"] and set(distance[3]) == set(parameters())
    paper = next(group for group in groups if "Feature extractors" in group["title"])
    assert [row[3]["vgg16"][0] for row in paper["rows"] if row[0] == "FID 5K"] == ["25.5"]


def test_images_are_those_that_the_page_holds() -> None:
    page = study_with_figures().page
    names = {name for run in comparison(page)["runs"] for name in run["images"].values()}
    assert {f"image-{name}" for name in names} <= PageReader(page).ids


def test_text_in_the_data_is_whole_and_ends_no_element() -> None:
    title = '<script>alert("1")</script>&'
    tables = {"table2": {"title": title, "paper": "table2", "rows": {"vgg16": {"paper": 3}}}}
    config = configured(headline="encoder", tables=tables)
    runs = parameters() | {"absent": parameters()["vgg16"]}
    study = read_study(folder_with_interpolations(), config, **spaces() | {"runs": runs})
    groups = comparison(report_of(study, drawn=False).page)["groups"]
    assert any(title in group["title"] for group in groups)


def test_study_of_one_run_has_no_comparison() -> None:
    tables = {"table2": {"title": "One", "rows": {"vgg16": {}}}}
    config = configured(headline="vgg16", tables=tables, figures={})
    study = read_study(folder_with_interpolations(), config, **spaces())
    page = report_of(study, drawn=False).page
    assert 'id="compare"' not in page and 'id="runs"' not in page
