"""`gfmn run`: from a folder of images to a page, by the wheel, in another folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders.commands import gfmn, refused
from builders.project import ROOT
from builders.published_weights import published_lite, saved

from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, file_digest, save_extractor


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which nothing but the built wheel is unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build_wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(build_wheel, check=True)
    (file,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", file], check=True)
    return folder / "site"


def use_random_networks(study: Path) -> None:
    """Put files of random weights in place of published ones, and few samples."""
    vgg16 = build("vgg16")
    save_extractor(study / "vgg16.pt", [NetworkRecord("vgg16", "vgg16", vgg16.state_dict(), {})])
    (study / "lite2.pt").write_bytes(saved(published_lite("efficientnet_lite2")))
    profile = yaml.safe_load((study / "profile.yaml").read_text())
    for section, name in (("extractors", "vgg16"), ("evaluators", "lite2")):
        path = study / f"{name}.pt"
        source = {"kind": "file", "path": path.name, "sha256": file_digest(path), "license": "MIT"}
        profile[section]["fetched"][name]["source"] = source
    profile["sampling"]["count"] = 64
    profile["metrics"] |= {"counts": [64], "neighbors": 64}
    (study / "profile.yaml").write_text(yaml.safe_dump(profile))


def test_wheel_makes_a_page_of_200_images_in_another_folder(photos: Path, wheel: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(wheel),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def command(*words: str, cwd: Path) -> str:
        finished = subprocess.run(
            ["gfmn", *words], cwd=cwd, env=environment, capture_output=True, text=True
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout + finished.stderr

    command("new", "mine", "--images", "photos", cwd=photos.parent)
    study = photos.parent / "mine"
    use_random_networks(study)
    shown = command("run", "--set", "steps=3", cwd=study)
    assert "stage 10 of 10: report" in shown and (study / "reports/index.html").is_file()
    assert yaml.safe_load((study / "params.yaml").read_text())["runs"]["fast"]["steps"] == 3
    status = command("status", cwd=study)
    assert "3 updates; gap " in status and "; fd_lite2_" in status
    assert "all stages are up to date" in status
    command("sample", "data/models/fast", "--count", "4", "--out", "grid.png", cwd=study)
    assert json.loads(command("run", "--json", "--quiet", cwd=study))["stages"] == {}
    with (wheel / "gfmn/common/errors.py").open("a") as file:
        file.write("\n# another version\n")
    (study / "data/models/fast/diverged.json").write_text('{"0": 3}')
    status = command("status", cwd=study)
    assert "seed-0: diverged at step 3" in status
    assert "to build: check-params, evaluate@fast-lite2, extract-stats@images-vgg16-eval" in status


def test_unknown_run_and_wrong_value_fail_before_dvc_starts(study: Path) -> None:
    assert refused("run", "fats", "--study", study).endswith("did you mean 'fast'?")
    before = (study / "params.yaml").read_text()
    message = refused("run", "--set", "lr=-1", "--study", study)
    assert "runs.fast.lr: expected greater than 0, found -1" in message.replace("Input", "")
    assert (study / "params.yaml").read_text() == before
    gfmn("add", "run", "slow", "--study", study)
    assert "--set: expected one RUN" in refused("run", "--set", "lr=1", "--study", study)
