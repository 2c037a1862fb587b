"""`import gfmn`: images, network, statistics, fit, score, load."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.photos import write_photos
from builders.published_weights import published_lite, saved
from torch import nn

import gfmn
from gfmn.common.errors import InputError
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, file_digest, save_extractor


class Small(nn.Module):
    """A network of nobody's, with an activation in place."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.last = nn.Conv2d(8, 12, 3, stride=2, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.act(self.first(x)))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos", 32, 40)


def test_ten_lines_train_and_save_a_generator_of_a_folder(photos: Path, tmp_path: Path) -> None:
    updates = []
    data = gfmn.images(photos, size=32)
    network = gfmn.network(Small(), size=32, taps=["act", "last"])
    real = gfmn.statistics(data, network)
    settings = {"steps": 60, "batch": 16, "generator": "dcgan", "lr": 1e-3, "ema": 0.0, "added": {}}
    model = gfmn.fit(real, network, tmp_path / "out", updates.append, grid_every=20, **settings)
    images = model.sample(64)
    assert images.shape == (64, 32, 32, 3) and images.dtype == np.uint8
    assert [update.step for update in updates] == [20, 40, 60]
    assert updates[-1].gap < updates[0].gap and updates[0].images.shape == (64, 32, 32, 3)
    assert (gfmn.load(tmp_path / "out").sample(64) == images).all()
    distance = np.abs(images.mean((0, 1, 2)) - data.images.mean((0, 1, 2)))
    assert distance.max() < 60  # of the colors; gray levels
    assert not (tmp_path / "out/checkpoints").exists()


def test_classes_of_the_folders_can_be_asked_for(photos: Path, tmp_path: Path) -> None:
    data, network = gfmn.images(photos), gfmn.network(Small())
    real = gfmn.statistics(data, network, classes=True)
    model = gfmn.fit(real, network, tmp_path / "out", conditional=True, steps=2, batch=8)
    assert model.classes == ["blue", "red"]


def test_module_is_copied_and_a_named_network_is_an_extractor_file(tmp_path: Path) -> None:
    module = Small()
    gfmn.network(module)
    assert module.act.inplace and all(weight.requires_grad for weight in module.parameters())
    path = tmp_path / "mine.safetensors"
    save_extractor(path, [NetworkRecord("mine", "vgg11", build("vgg11").state_dict(), {})])
    assert gfmn.network(path, taps=2).taps[1].name == "mine.conv2_1"


def test_scores_are_those_of_the_command(photos: Path, tmp_path: Path) -> None:
    from gfmn.weights.config import FetchedEvaluator
    from gfmn.weights.convert import save_fetched

    (tmp_path / "lite0.pt").write_bytes(saved(published_lite("efficientnet_lite0")))
    digest = file_digest(tmp_path / "lite0.pt")
    source = {"kind": "file", "path": str(tmp_path / "lite0.pt"), "sha256": digest, "license": "x"}
    row = {"architecture": "efficientnet_lite0", "resize": 32, "source": source}
    evaluator = tmp_path / "lite0.safetensors"
    save_fetched(evaluator, "lite0", FetchedEvaluator.parse(row, "row"), "row")
    data = gfmn.images(photos)
    found = gfmn.score(np.asarray(data.images), data, evaluator)
    assert found["fd_lite0_64"] == pytest.approx(0, abs=1e-2) and found["recall_lite0_64"] == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gfmn.network("vgg166"), "network: no 'vgg166'; did you mean 'vgg16'?"),
        (lambda: gfmn.network(Small(), taps=["act1"]), "no module 'act1'; did you mean 'act'?"),
        (lambda: gfmn.network(Small(), taps=3), "expected names of the module's modules, found 3"),
        (lambda: gfmn.images("nowhere"), "expected a folder of images"),
        (lambda: gfmn.score(np.zeros((2, 8, 8, 3)), None, "lite3"), "no 'lite3'; did you mean"),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_one_line(call: object, message: str) -> None:
    with pytest.raises(InputError) as error:
        call()  # type: ignore[operator]
    assert message in str(error.value) and "\n" not in str(error.value)


def test_names_are_imported_when_they_are_used(tmp_path: Path) -> None:
    code = "import sys, gfmn; assert 'torch' not in sys.modules; gfmn.load; "
    code += "heavy = {'dvc', 'skimage', 'sklearn', 'pandas', 'matplotlib', 'timm', 'torchvision'}; "
    code += "found = heavy & sys.modules.keys(); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert set(gfmn.__all__) <= {name for name in gfmn.__all__ if getattr(gfmn, name)}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gfmn.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_there_are() -> None:
    tree = ast.parse(Path(gfmn.__file__).with_suffix(".pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    (listed,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(listed) == gfmn.__all__
    found = {alias.name: node.module for node in imports for alias in node.names}
    assert set(found) == {*gfmn.__all__, *gfmn.METRICS}
    for name, module in found.items():
        assert getattr(gfmn, name).__module__ == module
