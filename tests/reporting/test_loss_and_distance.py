"""The figure of loss and distance: read from files of snapshots, drawn where there are any."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from builders.synthetic_report import CONFIG, report_of
from builders.synthetic_study import folder_of, space, spaces

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.metrics import snapshots
from gfmn.metrics.snapshots import Snapshot
from gfmn.reporting.figures.snapshots import figures
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study

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


def test_study_has_the_snapshots_that_are_there(tmp_path: Path) -> None:
    (name, found), *others = study(tmp_path, (0, 1)).snapshots.items()
    assert name == NAME and not others and (found.count, found.n_reference) == (5000, 10000)
    assert [seed.seed for seed in found.seeds] == [0, 1]
    assert found.seeds[1].step == (300, 600, 900, 1200)
    assert found.seeds[1].loss == LOSSES[1] and found.seeds[1].distance == DISTANCES
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
    (figure,) = figures(study(tmp_path / "one"), {})
    assert (figure.name, figure.section) == (f"loss-distance-{NAME}", "training")
    for text in (
        "fd_lite2_5k (5,000 samples of the same noise against 10,000 real images)",
        "at 4 snapshots of one training, seed 0. ",
        "Spearman’s rank correlation of the two: 1.00. ",
    ):
        assert text in figure.caption
    assert "loss goes from 900 to 0.9, fd_lite2_5k from 4000 to 1234" in figure.alt
    (figure,) = figures(study(tmp_path / "several", (0, 1, 2)), {})
    assert "at 4 snapshots of 3 trainings, seeds 0, 1, 2. " in figure.caption
    assert "of the two: 1.00, 0.80, undefined (one is constant). " in figure.caption


def test_page_has_the_figure(tmp_path: Path) -> None:
    report = report_of(study(tmp_path))
    (figure,) = (one for one in report.figures if one.name.startswith("loss-distance"))
    assert figure.caption in report.page
