"""The Python of the documentation and of the notebook runs as it stands there.

Small stand-ins: photographs of two colors, random networks for those that would be fetched, and
fewer steps and samples.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from builders.extractor_files import record
from builders.generator_files import change_config, saved
from builders.photos import write_photos
from builders.project import ROOT
from torch import nn

import gfmn
from gfmn import library
from gfmn.features.extractor import Extractor
from gfmn.inference import score
from gfmn.networks.extractor_file import save_extractor

PAGES = ("README.md", "docs/own-images.md", "docs/using.md", "docs/evaluators.md")
NOTEBOOK = ROOT / "examples/own_images.ipynb"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SMALLER = {"1500": "4", "5000": "64", "500": "32", "grid_every=50": "grid_every=2"}
Settings = dict[str, Any]


def blocks(page: str) -> list[str]:
    """A page's blocks that a reader can run: they import what they use."""
    found = BLOCK.findall((ROOT / page).read_text())
    return [block for block in found if block.startswith("import ")]


def cells() -> list[str]:
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


def smaller(code: str) -> str:
    for long, short in SMALLER.items():
        code = re.sub(rf"(?<![\d_]){long}\b", short, code)
    return code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a reader, with `photos/cats` and trained generators."""
    write_photos(tmp_path / "photos/cats", 40, 32)
    for name in ("cats", "data/models/vgg16"):
        (tmp_path / name).mkdir(parents=True)
        saved(tmp_path / name, latent=100)
        change_config(tmp_path / name, run="vgg16")

    def cached(name: str, *_: Any) -> Path:
        path = tmp_path / f"{name}.safetensors"
        save_extractor(path, [record(name)])
        return path

    def network(name: str, size: int) -> Extractor:
        assert name == "vgg16"
        return gfmn_network(nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU()), size, ["1"])

    small = {"generator": "dcgan", "batch": 8, "precision": "fp32", "added": {}}
    gfmn_network: Callable[..., Extractor] = library.network
    fit: Callable[..., Any] = library.fit
    one = partial(library.images, workers=1)  # starting processes takes longer
    monkeypatch.setattr(score, "cached", cached)
    monkeypatch.setattr(library, "network", network)
    monkeypatch.setattr(library, "images", one)
    monkeypatch.setattr(library, "fit", lambda *args, **given: fit(*args, **small | given))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a notebook displayed."""
    shown: list[Any] = []
    module: Any = ModuleType("IPython.display")
    module.display, module.clear_output = shown.append, lambda wait: None
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return shown


@pytest.fixture
def onnx(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime for the generator of the file, which PyTorch computes here."""

    class Session:
        def __init__(self, path: str) -> None:
            assert path == "generator.onnx"

        def run(self, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            assert names == ["images"]
            return [gfmn.load("data/models/vgg16")(inputs["z"])]

    module: Any = ModuleType("onnxruntime")
    module.__spec__ = ModuleSpec("onnxruntime", None)
    module.InferenceSession = Session
    monkeypatch.setitem(sys.modules, "onnxruntime", module)


@pytest.mark.parametrize("page", PAGES)
def test_python_of_a_page_runs(page: str, folder: Path, onnx: None) -> None:
    if page != "docs/evaluators.md":
        (folder / "cats/generator.safetensors").unlink()  # the page makes it
        (folder / "cats/config.json").unlink()
    names: Settings = {}
    for block in blocks(page):
        exec(compile(smaller(block), page, "exec"), names)
    assert names["gfmn"] is gfmn
    if "images" in names and page == "docs/using.md":
        assert names["images"].shape == (16, 32, 32, 3)
    if page == "docs/evaluators.md":
        assert float(names["distance"].compute()) > 0


def test_notebook_trains_shows_saves_and_scores(folder: Path, displayed: list[Any]) -> None:
    names: Settings = {}
    for cell in cells():
        exec(compile(smaller(cell), NOTEBOOK.name, "exec"), names)
    assert [image.size for image in displayed] == [(512, 128)] * 2
    assert names["model"].folder == Path("published")
    assert (folder / "published/model.safetensors").is_file()


def test_notebook_has_no_outputs_and_ten_statements() -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    lines = [line for cell in cells() for line in cell.splitlines() if line]
    assert len(lines) <= 20
