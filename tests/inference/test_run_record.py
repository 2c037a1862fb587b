"""Reading what a study records of a run: the right seeds, and inputs that have not changed."""

from pathlib import Path

import pytest
from builders.extractor_files import line
from builders.recorded_run import (
    RUN,
    copied_study,
    save_networks,
    set_evaluator_digest,
    set_extractor_digest,
    values,
    write_params,
)

from gfmn.inference.run_record import read_run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return copied_study(tmp_path / "study")


def test_record_of_one_seed_has_its_scores_and_those_of_all(study: Path) -> None:
    record = read_run(study, RUN, 1)
    assert [result.seed for result in record.seeds] == [1] and record.title == f"{RUN}, seed 1"
    scores = {one.scores.evaluator: one for one in record.evaluators}
    each = values(study, "lite2", "fd_lite2_5k")
    own, every = scores["lite2"].scores, scores["lite2"].all_seeds
    assert [seed.seed for seed in own.seeds] == [1]
    assert own.means.loc["fd_lite2_5k", "value"] == each[1]
    assert every and list(every.rows.loc[every.rows["score"] == "fd_lite2_5k", "value"]) == each
    assert record.seconds is None  # the study times all seeds together


def test_record_of_a_run_has_all_seeds(study: Path) -> None:
    record = read_run(study, RUN)
    assert [result.seed for result in record.seeds] == [0, 1, 2] and record.title == RUN
    assert [one.all_seeds for one in record.evaluators] == [None, None]
    assert record.seconds == 240.2 and record.dataset_name == "photos"


def test_changed_extractor_is_refused(study: Path) -> None:
    digest = save_networks(study, "extractors/vgg16", license="MIT")
    set_extractor_digest(study, "12" * 32)
    message = line(read_run, study, RUN)
    assert f"vgg16.safetensors: expected the one of sha256 {'12' * 6}" in message
    assert f"found {digest[:12]}" in message
    set_extractor_digest(study, digest)
    read_run(study, RUN)


def test_changed_evaluator_is_refused(study: Path) -> None:
    digest = save_networks(study, "evaluators/lite2", license="MIT")
    assert "evaluators/lite2.safetensors: expected the one of" in line(read_run, study, RUN)
    set_evaluator_digest(study, "lite2", digest)
    read_run(study, RUN)


@pytest.mark.parametrize(
    ("run", "seed", "expected"),
    [
        (RUN[:-1], None, f"params.yaml: runs: no '{RUN[:-1]}'; did you mean '{RUN}'?"),
        (RUN, 7, f"seed: expected one of run '{RUN}', 0, 1, 2, found 7"),
        ("vgg16", None, "seed-1/config.json: expected a trained run, found no file"),
    ],
)
def test_unknown_or_untrained_run_is_refused(
    study: Path, run: str, seed: int | None, expected: str
) -> None:
    assert expected in line(read_run, study, run, seed)


def test_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    assert "params.yaml: expected a study's parameters, found no file" in line(
        read_run, tmp_path, RUN
    )


def test_seed_that_is_not_trained_is_left_out(study: Path) -> None:
    write_params(study, seeds=[0, 1, 2, 5])  # 5 is not trained yet
    record = read_run(study, RUN)
    assert [result.seed for result in record.seeds] == [0, 1, 2] and record.seconds is None
