"""A trained generator in the layout of model hubs, and its way to a hub and back.

No hub is reached: a folder stands for it, behind the client's own functions.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builders.commands import gfmn
from builders.extractor_files import line
from builders.recorded_run import RUN, copied_study

from gfmn import inference
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.networks.extractor_file import file_digest

huggingface_hub = pytest.importorskip("huggingface_hub")
FILES = {"model.safetensors", "config.json", "README.md"}


def front_matter(path: Path) -> dict[str, Any]:
    _, head, _ = path.read_text().split("---\n", 2)
    found: dict[str, Any] = yaml.safe_load(head)
    return found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_published_folder_holds_the_same_generator(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    load(model).save_pretrained(folder)
    assert names(folder) == FILES
    pipelines = model / "seed-3/generator.safetensors"
    assert file_digest(folder / "model.safetensors") == file_digest(pipelines)
    for again in (load(folder), TrainedGenerator.from_pretrained(str(folder))):
        assert (again.sample(5) == load(model).sample(5)).all()
        assert again.name == "x, trained with seed 3" and again.config == load(model).config
    card = huggingface_hub.ModelCard.load(folder / "README.md")
    assert card.data.library_name == "gfmn" and "dcgan" in card.data.tags
    assert "# x, trained with seed 3" in card.text


def test_card_of_the_study_stays_and_goes_with_the_generator(model: Path, tmp_path: Path) -> None:
    folder, study = tmp_path / "published", copied_study(tmp_path / "study")
    gfmn("card", RUN, "--study", study, "--out", folder / "README.md")
    load(model).save_pretrained(folder)
    matter = front_matter(folder / "README.md")
    assert matter["license"] == "apache-2.0" and matter["model-index"]
    card = huggingface_hub.ModelCard.load(folder / "README.md")  # as the hub reads it
    assert card.data.library_name == "gfmn" and card.data.eval_results
    load(folder).save_pretrained(tmp_path / "again")
    assert names(tmp_path / "again") == names(folder) >= FILES
    assert (tmp_path / "again/README.md").read_bytes() == (folder / "README.md").read_bytes()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the client takes for the hub: `owner/name` are folders in it."""
    from huggingface_hub import hub_mixin

    from gfmn.inference import hub as ours

    root = tmp_path / "hub"

    class Api:
        def __init__(self, **_: Any) -> None: ...

        def create_repo(self, repo_id: str, **options: Any) -> Any:
            (root / repo_id).mkdir(parents=True)
            return type("Url", (), {"repo_id": repo_id})

        def upload_folder(self, repo_id: str, folder_path: Path, **options: Any) -> str:
            shutil.copytree(folder_path, root / repo_id, dirs_exist_ok=True)
            return f"https://hub/{repo_id}/commit/{options['revision']}"

    def download(repo_id: str, filename: str, **options: Any) -> str:
        path = root / repo_id / filename
        if not path.exists():
            raise huggingface_hub.errors.LocalEntryNotFoundError(f"no {filename}\nin {repo_id}")
        return str(path)

    monkeypatch.setattr(hub_mixin, "HfApi", Api)
    for module in (hub_mixin, ours):
        monkeypatch.setattr(module, "hf_hub_download", download)
    return root


def test_repository_gives_back_what_was_pushed(model: Path, hub: Path) -> None:
    url = load(model).push_to_hub("me/cats", private=True, branch="main")
    assert url == "https://hub/me/cats/commit/main" and names(hub / "me/cats") == FILES
    again = TrainedGenerator.from_pretrained("me/cats", revision="main")
    assert np.array_equal(again.sample(5), load(model).sample(5))
    assert again.config == load(model).config


def test_repository_that_cannot_be_had_is_one_line(hub: Path) -> None:
    message = line(TrainedGenerator.from_pretrained, "me/dogs")
    assert message.startswith("me/dogs: expected a repository with model.safetensors, found: ")
    (hub / "me/dogs").mkdir(parents=True)
    for name in ("model.safetensors", "config.json"):
        (hub / "me/dogs" / name).write_text("{}")
    assert "config.json: $.generator" in line(TrainedGenerator.from_pretrained, "me/dogs")


def test_without_the_extra_folders_work_and_a_repository_is_one_line(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.delitem(sys.modules, "gfmn.inference.hub", raising=False)
    monkeypatch.delattr(inference, "hub", raising=False)
    generator = load(model)
    generator.save_pretrained(tmp_path)
    assert TrainedGenerator.from_pretrained(tmp_path).latent == 16
    install = ": pip install 'gfmn[hub]'"
    message = line(TrainedGenerator.from_pretrained, "me/cats")
    assert message.startswith("huggingface_hub is needed for the repository 'me/cats'")
    assert message.endswith(install) and line(generator.push_to_hub, "me/cats").endswith(install)
    assert "expected a trained generator's folder" in line(TrainedGenerator.from_pretrained, "cats")
