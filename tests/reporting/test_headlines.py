"""The summary that `dvc metrics` and `dvc exp show` print: one distance and one score a run."""

from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from builders.score_files import read_record
from builders.synthetic_study import CONFIG, folder_of, parameters, spaces

from gfmn.reporting.headlines import headlines
from gfmn.reporting.reading import read_study


def by_hand(path: Path, keys: tuple[str, ...]) -> dict[str, float]:
    """The mean over seeds of scores, from the file itself."""
    seeds: list[dict[str, Any]] = read_record(path)["seeds"]
    return {key: mean(seed["scores"][key]["value"] for seed in seeds) for key in keys}


@pytest.mark.parametrize(
    ("canonical", "keys"),
    [(False, ("fd_lite2_5k", "score_lite2_5k")), (True, ("fid_5k", "is_5k"))],
)
def test_a_run_has_its_first_spaces_distance_and_score_of_fewest_images(
    canonical: bool, keys: tuple[str, ...]
) -> None:
    folder = folder_of(canonical)
    study = read_study(folder, CONFIG, **spaces(canonical))
    found = headlines(study)
    scored = [name for name, run in study.runs.items() if run.scored]
    assert list(found) == scored
    space = study.evaluators[0]
    expected = by_hand(folder / f"data/scores/running-{space}.parquet", keys)
    assert found["running"] == pytest.approx(expected)


def test_a_run_without_scores_is_left_out(tmp_path: Path) -> None:
    assert headlines(read_study(tmp_path, CONFIG, parameters(), {}, {})) == {}
