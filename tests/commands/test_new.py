"""`gfmn new`: a short params.yaml that is right, for every kind of images and every profile."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from builders.commands import gfmn, refused
from builders.project import done

from gfmn.commands.new import PROFILES
from gfmn.common import parameters
from gfmn.study import check
from gfmn.study.pipeline import CODE, code_version
from gfmn.study.profiles import published_networks


def test_parameters_are_the_users_choices_in_twenty_lines(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = photos.parent / "mine"
    gfmn("new", study, "--images", photos)
    text = (study / "params.yaml").read_text()
    assert len(text.splitlines()) <= 20
    choices = yaml.safe_load(text)
    row = {"source": "folder", "path": "../photos", "image_size": 32}
    assert choices["datasets"] == {"images": row}
    assert choices["runs"]["fast"]["steps"] == 1500
    assert "200 images of 2 classes (blue, red)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("profile", "network", "size"), product(PROFILES, published_networks(), (32, 64))
)
def test_every_choice_makes_a_right_study(
    profile: str, network: str, size: int, photos: Path
) -> None:
    folder = photos.parent / "study"
    choices = ("--profile", profile, "--network", network, "--size", size)
    gfmn("new", folder, "--images", photos, *choices)
    path = folder / "params.yaml"
    assert list(check(parameters.read(path), str(path)).runs) == [profile]


def test_dvc_reads_a_stage_for_every_row(study: Path) -> None:
    stages = done(study, "stage", "list", "--name-only").split()
    assert {"prepare@images", "train@fast", "evaluate@fast-lite2", "report"} <= set(stages)
    assert (study / CODE).read_text() == code_version()
    assert "${root}" not in (study / "dvc.yaml").read_text()


def test_images_may_be_an_array_or_a_class_of_torchvision(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((9, 40, 40, 3), np.uint8))
    for number, word in enumerate((tmp_path / "images.npy", "torchvision:SVHN")):
        gfmn("new", tmp_path / f"study{number}", "--images", word)
        row = yaml.safe_load((tmp_path / f"study{number}/params.yaml").read_text())["datasets"]
        assert row["images"]["source"] == ("npy", "torchvision")[number]


@pytest.mark.parametrize("name", ["a b: c", "#1", "it's"])
def test_folder_of_any_name_is_written_so_that_dvc_reads_it(name: str, photos: Path) -> None:
    moved = photos.rename(photos.parent / name)
    gfmn("new", photos.parent / "study", "--images", moved)
    assert "prepare@images" in done(photos.parent / "study", "stage", "list", "--name-only")


def test_wrong_images_and_used_folders_are_one_line_and_leave_nothing(
    photos: Path, tmp_path: Path
) -> None:
    message = refused("new", tmp_path / "a", "--images", tmp_path / "none")
    assert message.endswith(
        "expected a folder of images, an .npy array, parquet or tar files, found nothing"
    )
    assert not (tmp_path / "a").exists()
    (tmp_path / "empty").mkdir()
    assert "expected images" in refused("new", tmp_path / "a", "--images", tmp_path / "empty")
    assert refused("new", photos, "--images", photos).endswith("found one in use")


def test_value_in_both_files_is_refused_as_dvc_refuses_it(study: Path) -> None:
    path = study / "params.yaml"
    path.write_text(path.read_text() + "\ndefaults: {lr: 1.0}\n")
    expected = "expected in one of params.yaml and profile.yaml, found in both"
    assert refused("check", "--study", study) == f"error: {path}: defaults: lr: {expected}"
