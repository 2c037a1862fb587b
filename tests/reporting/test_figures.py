"""The figures: each is registered, drawn where there are results, with the values of the tables."""

import json
import pkgutil
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from builders.paper_tables import TABLE4, study_on, table4
from builders.report_figures import study_with_figures
from builders.synthetic_report import (
    CONFIG,
    Report,
    edit_scores,
    finished_report,
    make_report,
    scores_path,
)
from builders.synthetic_study import OWN, folder_of, space, spaces

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.metrics import snapshots
from gfmn.metrics.snapshots import Snapshot
from gfmn.reporting import figures
from gfmn.reporting.figures import FIGURES, draw_figures, write_figures
from gfmn.reporting.figures.figure import Figure
from gfmn.reporting.figures.pictures import pictures
from gfmn.reporting.figures.scores import figures as score_figures
from gfmn.reporting.figures.training import POINTS, histories, tap_gaps
from gfmn.reporting.figures.training import figures as training_figures
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study


@pytest.fixture(scope="module")
def report() -> Report:
    return finished_report()


def by_name(report: Report) -> dict[str, Figure]:
    return {figure.name: figure for figure in report.figures}


def rows(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of a panel, of its first layer where it has several."""
    name = panel.get("data", panel.get("layer", [{}])[0].get("data"))["name"]
    return list(panel["datasets"][name])


def test_every_module_that_draws_is_registered() -> None:
    names = (module.name for module in pkgutil.iter_modules(figures.__path__))
    modules = [import_module(f"{figures.__name__}.{name}") for name in names]
    assert {one.figures for one in modules if hasattr(one, "figures")} == set(FIGURES)


def test_each_figure_is_drawn_once_with_its_section(report: Report) -> None:
    sections = {figure.name: figure.section for figure in report.figures}
    assert len(sections) == len(report.figures)
    expected = {
        "rows-table2": "table2",
        "taps-table3": "table3",
        "rows-figure4": "figure4",
        "training": "training",
        "gaps": "gaps",
        "memorized": "memorization",
        "nearest-moment_matching": "memorization",
        "classes-own": "classes",
    }
    assert expected.items() <= sections.items()  # a study may have more
    assert all(figure.caption and figure.alt for figure in report.figures)


def test_same_study_gives_the_same_charts_and_files(report: Report, tmp_path: Path) -> None:
    again = draw_figures(report.study, report.tables)
    specs = [json.dumps(figure.specs()) for figure in report.figures]
    assert [json.dumps(figure.specs()) for figure in again] == specs
    for folder in ("a", "b"):
        write_figures(report.study, report.figures[:1], tmp_path / folder)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("a", "b")
    )
    assert first == second and {"rows-table2.png", "strip-moment_matching.png"} <= set(first)
    assert all(content.startswith(b"\x89PNG") for content in first.values())


def test_study_without_results_has_no_figure(tmp_path: Path) -> None:
    report = make_report(tmp_path)
    assert report.figures == [] and list(pictures(report.study)) == []


def test_rows_have_the_tables_values_and_bars_over_seeds_alone(report: Report) -> None:
    lite2, own, paper = by_name(report)["rows-table2"].specs()
    frame = report.tables["table2"].runs
    assert [row["value"] for row in rows(lite2)] == pytest.approx(list(frame["fd_lite2_5k"]))
    assert [row["run"] for row in rows(lite2) if row["std"]] == ["moment_matching"]
    assert len(rows(own)) == 2 and [row["value"] for row in rows(paper)] == [82.8, 25.5, 18.1]
    caption = by_name(report)["rows-table2"].caption
    assert "Bars: standard deviation (n − 1) over seeds." in caption
    assert "distances in two feature spaces do not compare, orders do" in caption


def test_taps_are_next_to_every_depth_of_the_paper(report: Report) -> None:
    *ours, paper = by_name(report)["taps-table3"].specs()
    assert [row["taps"] for row in rows(ours[0])] == [1, 3, 5, 7, 9, 11, 13]
    published = [(row["layers"], row["paper_fid5k"]) for row in paper_tables()["table3"]]
    assert [(row["taps"], row["value"]) for row in rows(paper)] == published


@pytest.mark.parametrize("canonical", [False, True])
def test_published_methods_are_in_a_panel_of_their_own(canonical: bool) -> None:
    config = CONFIG.model_copy(update={"tables": {"table4": TABLE4}})
    study = Study(**{**vars(study_on("cifar10", canonical)), "config": config})
    (figure,) = score_figures(study, {"table4": table4("cifar10", canonical)})
    *ours, published = figure.specs()
    fids = [row["paper_fid5k"] for row in paper_tables()["table4"]]
    assert [row["value"] for row in rows(published)] == sorted(filter(None, fids))
    assert [len(rows(panel)) for panel in ours] == [3, 1]


def test_curves_keep_their_ends_and_few_points(report: Report) -> None:
    frame = histories(report.study)
    counts = frame.groupby(["run", "seed"]).size()
    assert counts.max() <= POINTS and len(counts) == sum(
        len(run.seeds) for run in report.study.runs.values()
    )
    history = report.study.runs["vgg16"].seeds[0].history
    assert history is not None
    shown = frame[frame["run"] == "vgg16"]
    for end in (0, -1):
        assert shown["step"].iloc[end] == history["step"].iloc[end]


def test_gaps_are_means_over_seeds_in_the_order_of_the_taps(report: Report) -> None:
    frame = tap_gaps(report.study)
    run = report.study.runs["moment_matching"]
    first = run.model.gaps[0].tap if run.model else ""
    gaps = [seed.model.gaps[0].mean_gap for seed in run.seeds if seed.model]
    row = frame[(frame["run"] == run.name) & (frame["tap"] == first)]
    assert len(gaps) == 3 and row["mean_gap"].item() == pytest.approx(sum(gaps) / 3)
    assert run.model and list(frame[frame["run"] == run.name]["tap"]) == [
        gap.tap for gap in run.model.gaps
    ]


def test_images_of_a_missing_seed_are_those_of_the_next(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for kind in ("data/samples", "data/models", "reports/history"):
        for path in (folder / kind / "moment_matching").glob("seed-0*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert "moment_matching, seed 1 of 0, 1, 2, not selected" in _text(make_report(folder).page)


def test_pictures_are_the_strip_and_the_figures_of_runs_with_images() -> None:
    found = {one.name: one for one in pictures(study_with_figures().study)}
    assert set(found) == {"strip-moment_matching", "figure2", "figure5-moment_matching"}
    # its grids are of the steps 0, 600 and 1,200
    assert "after 0, 600, 1,200 updates" in found["figure5-moment_matching"].caption
    assert found["figure5-moment_matching"].section == "figure-figure5"


def test_memorization_and_classes_are_drawn_only_where_measured(tmp_path: Path) -> None:
    def forget(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            seed.pop("nearest", None)
            seed["scores"] = {k: v for k, v in seed["scores"].items() if "memorised" not in k}

    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for run in OWN:
        scores_path(folder, f"{run}-own").unlink(missing_ok=True)
    for path in (folder / "data/scores").glob("*-lite2.*"):
        edit_scores(folder, path.stem, forget)
    sections = {figure.section for figure in make_report(folder).figures}
    assert not sections & {"memorization", "classes"} and "training" in sections


def _text(page: str) -> str:
    import html
    import re

    return html.unescape(" ".join(re.sub(r"<[^>]+>", "", page.split("</header>")[0]).split()))


NAME = "moment_matching-lite2"
ROW = {"run": "moment_matching", "dataset": "photos", "evaluator": "lite2"}
LOSSES = {0: (900.0, 90.0, 9.0, 0.9), 1: (800.0, 60.0, 70.0, 2.0), 2: (5.0, 5.0, 5.0, 5.0)}
DISTANCES = (4000.0, 3000.5, 2000.0, 1234.0)


def study(folder: Path, seeds: tuple[int, ...] = (0,), **facts: Any) -> Study:
    """The synthetic study with snapshots of one run."""
    shutil.copytree(folder_of(False), folder, dirs_exist_ok=True)
    found = [
        Snapshot(seed, 300 * (i + 1), loss, distance, 5000)
        for seed in seeds
        for i, (loss, distance) in enumerate(zip(LOSSES[seed], DISTANCES, strict=True))
    ]
    known = {"score": "fd_lite2_5k", "title": "Fréchet distance", "n_reference": 10000}
    path = folder / paths.scores(f"snapshots-{NAME}")
    snapshots.write(path, space("lite2") | ROW | known | facts, found)
    rows = {NAME: ROW, "vgg16-lite2": {**ROW, "run": "vgg16"}}  # the second has no file
    return read_study(folder, CONFIG, **spaces(), snapshots=rows)


def of_snapshots(study: Study) -> Figure:
    found = (one for one in training_figures(study, {}) if one.name.startswith("loss-distance"))
    return next(found)


def test_study_has_the_snapshots_that_are_there(tmp_path: Path) -> None:
    (name, found), *others = study(tmp_path, (0, 1)).snapshots.items()
    assert name == NAME and not others and found.n_reference == 10000
    rows = found.rows[found.rows["seed"] == 1]
    assert set(rows["count"]) == {5000} and list(rows["step"]) == [300, 600, 900, 1200]
    assert tuple(rows["loss"]) == LOSSES[1] and tuple(rows["distance"]) == DISTANCES
    assert [seed.seed for seed in found.seeds] == [0, 1]
    assert [seed.rank_correlation for seed in found.seeds] == [1.0, 0.8]


@pytest.mark.parametrize("key", ["run", "dataset", "evaluator"])
def test_snapshots_of_another_run_or_space_are_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"\$\.{key}: expected '{ROW[key]}', found 'other'"):
        study(tmp_path, **{key: "other"})


def test_file_without_rows_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"snapshots-{NAME}\.parquet: \$\.") as caught:
        study(tmp_path, ())
    assert "\n" not in str(caught.value)


def test_figure_states_counts_seeds_and_correlations(tmp_path: Path) -> None:
    figure = of_snapshots(study(tmp_path / "one"))
    assert (figure.name, figure.section) == (f"loss-distance-{NAME}", "training")
    for text in (
        "fd_lite2_5k (5,000 samples of the same noise against 10,000 real images)",
        "at 4 snapshots of one training, seed 0. ",
        "Spearman’s rank correlation of the two: 1.00. ",
    ):
        assert text in figure.caption
    assert "loss goes from 900 to 0.9, fd_lite2_5k from 4000 to 1234" in figure.alt
    figure = of_snapshots(study(tmp_path / "several", (0, 1, 2)))
    assert "at 4 snapshots of 3 trainings, seeds 0, 1, 2. " in figure.caption
    assert "of the two: 1.00, 0.80, undefined (one is constant). " in figure.caption
