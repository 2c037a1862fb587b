"""The figures: each is registered, drawn where there are results, and explained."""

import pkgutil
import shutil
from importlib import import_module
from pathlib import Path

import pytest
from builders.report_figures import study_with_figures
from builders.synthetic_report import (
    CONFIG,
    Report,
    edit_scores,
    finished_report,
    make_report,
    scores_path,
)
from builders.synthetic_study import OWN, folder_of

from gfmn.metrics import classes
from gfmn.reporting import figures
from gfmn.reporting.figures import FIGURES, draw_figures
from gfmn.reporting.figures.sections import CLASSES, MEMORIZATION, MOMENTS, TRAINING, table_section
from gfmn.reporting.figures.theme import LIGHT


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def captions(report: Report) -> dict[str, str]:
    return {drawing.name: drawing.caption for drawing in report.drawings}


def test_every_module_that_draws_is_registered() -> None:
    names = (module.name for module in pkgutil.iter_modules(figures.__path__))
    modules = [import_module(f"{figures.__name__}.{name}") for name in names]
    assert {module for module in modules if hasattr(module, "draw")} == set(FIGURES)


def test_each_figure_is_drawn_once_with_its_section(report: Report) -> None:
    sections = {drawing.name: drawing.section for drawing in report.drawings}
    assert len(sections) == len(report.drawings)
    assert sections["loss-samples-moment_matching"] == TRAINING
    assert sections["strip-moment_matching"] is None
    for table in CONFIG.tables:
        assert sections[f"loss-{table}"] == TRAINING and sections[f"gaps-{table}"] == MOMENTS
    rows = {name for name in sections if name.startswith(("rows-", "published-"))}
    assert rows == {"rows-table2"} and sections["rows-table2"] == table_section("table2")
    assert sections["taps-table3"] == table_section("table3") and "taps-table2" not in sections
    assert sections["nearest-moment_matching"] == sections["memorised"] == MEMORIZATION
    assert sections["classes-own"] == CLASSES
    assert all(drawing.caption and drawing.alt for drawing in report.drawings)


def test_same_study_gives_the_same_bytes(report: Report) -> None:
    again = draw_figures(report.study, report.tables, LIGHT)
    assert [drawing.png for drawing in again] == [drawing.png for drawing in report.drawings]


def test_study_without_results_has_no_figure(tmp_path: Path) -> None:
    assert make_report(tmp_path).drawings == []


def test_losses_of_different_features_are_relative(report: Report) -> None:
    caption = captions(report)
    for table in ("table2", "table3"):
        assert "heights do not" in caption[f"loss-{table}"]
    assert "lower is closer" in caption["loss-figure4"]
    assert "seeds of one run" in caption["loss-table2"]
    assert "seeds" not in caption["loss-figure4"]


def test_error_bars_are_explained_where_a_run_has_several_seeds(report: Report) -> None:
    assert "Error bars: standard deviation (n − 1) over seeds." in captions(report)["taps-table3"]
    assert list(report.tables["table3"].frame["seeds"].dropna()) == [1, 2, 1, 1, 1, 1, 1]


def test_distances_compare_only_where_both_are_fid(report: Report) -> None:
    caption = captions(finished_report(canonical=True))["taps-table3"]
    assert "Both are FID" in caption and "antialiased bilinear to 299 px" in caption
    assert "heights do not" in captions(report)["taps-table3"]


def test_images_of_a_missing_seed_are_those_of_the_next(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for kind in ("data/samples", "data/models", "reports/history"):
        for path in (folder / kind / "moment_matching").glob("seed-0*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    caption = captions(make_report(folder))
    assert "moment_matching, seed 1 of 0, 1, 2" in caption["strip-moment_matching"]
    assert "moment_matching, seed 1 of 0, 1, 2" in caption["loss-samples-moment_matching"]


def test_headline_is_not_drawn_by_step_and_by_epoch() -> None:
    report = study_with_figures()
    names = [drawing.name for drawing in report.drawings]
    assert "figure5-moment_matching" in names and "figure2" in names
    assert "loss-samples-moment_matching" not in names and "figure5-absent" not in names


def test_memorization_and_classes_are_drawn_only_where_measured(tmp_path: Path) -> None:
    def forget(record: dict) -> None:  # type: ignore[type-arg]
        for seed in record["seeds"]:
            seed.pop("nearest", None)
            seed["scores"] = {k: v for k, v in seed["scores"].items() if "memorised" not in k}

    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for run in OWN:
        scores_path(folder, f"{run}-own").unlink(missing_ok=True)
    for path in (folder / "data/scores").glob("*-lite2.*"):
        edit_scores(folder, path.stem, forget)
    anchors = {d.section.anchor for d in make_report(folder).drawings if d.section}
    assert not anchors & {"memorization", "classes"} and "training" in anchors


def test_class_scores_are_explained_as_they_are_counted() -> None:
    assert (classes.CONFIDENT, classes.COVERED) == (0.9, 0.1)
    assert "images with 0.9 or more of it" in CLASSES.introduction
    assert "at least a tenth as often as they are real" in CLASSES.introduction
