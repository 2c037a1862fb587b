"""`gfmn add`: new rows with all that belongs to them, and a file that stays as it was otherwise."""

from pathlib import Path

import pytest
import yaml
from builders.commands import gfmn, refused
from builders.project import done


def rows(study: Path) -> dict[str, dict[str, object]]:
    return dict(yaml.safe_load((study / "params.yaml").read_text()))


def test_run_begins_as_another_and_is_evaluated(study: Path) -> None:
    before = (study / "params.yaml").read_text().splitlines()
    gfmn("add", "run", "slow", "lr=0.001", "added.covariance=1", "--study", study)
    params = rows(study)
    like = params["runs"]["fast"]
    assert params["runs"]["slow"] == {**like, "lr": 0.001, "added": {"covariance": 1}}
    assert "slow-lite2" in params["evaluations"]
    assert set(before) <= set((study / "params.yaml").read_text().splitlines())  # comments too


def test_run_on_another_network_gets_its_statistics(study: Path) -> None:
    gfmn("add", "network", "vgg19", "--study", study)
    gfmn("add", "run", "deep", "extractor=vgg19", "--study", study)
    row = rows(study)["statistics"]["images-vgg19-eval"]
    assert row == {
        **{"dataset": "images", "extractor": "vgg19", "batchnorm": "eval", "batch": 64},
        **{"covariance": {}, "landmarks": {}},
    }


def test_evaluator_and_data_set_are_referred_to_and_read_by_dvc(study: Path, photos: Path) -> None:
    gfmn("add", "evaluator", "inception", "--study", study)
    gfmn("add", "data", "more", photos, "--size", 64, "--study", study)
    params = rows(study)
    assert set(params["references"]) == {"images-inception", "more-lite2", "more-inception"}
    assert "fast-inception" in params["evaluations"]
    assert "fetch-evaluator@inception" in done(study, "stage", "list", "--name-only")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "fast"), "expected a new run, found 'fast', which there is already"),
        (("run", "x", "lrr=1"), "runs.x.lrr: unknown key; did you mean 'lr'?"),
        (("run", "x", "lr"), "add run: expected FIELD=VALUE, found 'lr'"),
        (("run", "x", "--like", "fats"), "no 'fats'; did you mean 'fast'?"),
        (("network", "vgg91"), "no network 'vgg91'; did you mean 'vgg19'?"),
        (("evaluator", "lite2"), "found 'lite2', which there is already"),
        (("data", "more"), "add data: expected NAME IMAGES, found 1 words"),
    ],
)
def test_what_does_not_fit_is_one_line_and_changes_nothing(
    words: tuple[str, ...], message: str, study: Path
) -> None:
    before = (study / "params.yaml").read_text()
    assert message in refused("add", *words, "--study", study)
    assert (study / "params.yaml").read_text() == before
