"""What works without the packages of the extras, and what is said of one that is missing."""

import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from builders.generator_files import saved
from builders.photos import write_photos
from builders.project import ROOT

from gfmn.common.errors import InputError
from gfmn.inference.extras import EXTRAS, optional_packages

BLOCK = """
import sys

class WithoutExtras:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *rest):
        return None if name.partition(".")[0] in {blocked} else self.finder.find_spec(name, *rest)

sys.meta_path[:] = map(WithoutExtras, sys.meta_path)
"""
USE = """
import gfmn
from gfmn import cli
assert gfmn.load("model").sample(4).shape == (4, 32, 32, 3)
for out in ("a.npy", "a.png", "folder"):
    cli.main(["sample", "model", "--count", "4", "--out", out])
cli.main(["interpolate", "model", "--out", "a.gif", "--frames", "2"])
gfmn.load("model").save_pretrained("published")
assert "PIL" in sys.modules and "gfmn.library" not in sys.modules
"""
TRAIN = """
from torch import nn
images = gfmn.images("photos")
network = gfmn.network(nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU()), taps=["1"])
real = gfmn.statistics(images, network)
settings = {"steps": 2, "batch": 8, "generator": "dcgan"}
model = gfmn.fit(real, network, "out", lambda update: update.image.save("live.png"), **settings)
assert (gfmn.load("out").sample(4) == model.sample(4)).all()
"""
REFUSED = """
def refusal(call, *arguments):
    try:
        call(*arguments)
    except (gfmn.library.InputError, SystemExit) as error:
        return str(error)
    raise AssertionError("no error")

lines = [
    refusal(gfmn.images, "torchvision:CIFAR10"),
    refusal(getattr, gfmn, "FrechetDistance"),
    refusal(gfmn.TrainedGenerator.from_pretrained, "me/cats"),
    refusal(cli.main, ["new", "mine", "--images", "photos"]),
    refusal(cli.main, ["card", "vgg16", "--out", "card.md"]),
]
print(*lines, sep="\\n")
"""


def test_sampling_and_training_on_a_folder_need_no_extra(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    write_photos(tmp_path / "photos", 20, 32)
    blocked = {module for modules in EXTRAS.values() for module in modules}
    script = BLOCK.format(blocked=blocked) + USE + TRAIN + REFUSED
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *_, images, metric, repository, new, card = done.stdout.splitlines()
    install = "pip install 'gfmn[{}]'".format
    assert images == f"torchvision is needed for gfmn.images: {install('pipeline')}"
    assert metric == f"torchmetrics is needed for gfmn.FrechetDistance: {install('metrics')}"
    assert repository.endswith(f"'me/cats', since no such folder is here: {install('hub')}")
    for name, line in (("new", new), ("card", card)):
        assert line.startswith("error: ") and line.endswith(
            f" is needed for gfmn {name}: {install('pipeline')}"
        )


def normalized(requirement: str) -> str:
    """The distribution's name of a requirement such as `torch-fidelity>=0.4`."""
    return requirement.partition(">")[0].partition("[")[0].lower().replace("-", "_")


@pytest.mark.parametrize("extra", EXTRAS)
def test_modules_of_an_extra_are_those_of_its_packages(extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {normalized(one) for one in project["optional-dependencies"][extra]}
    distributions = metadata.packages_distributions()
    found = {normalized(name) for module in EXTRAS[extra] for name in distributions[module]}
    assert wanted - found <= {"ruamel.yaml.clib"}  # whose module nothing here imports
    assert wanted & found and not wanted & {normalized(one) for one in project["dependencies"]}


def test_other_missing_modules_are_defects() -> None:
    with pytest.raises(ModuleNotFoundError), optional_packages("x"):
        import gfmn.nothing  # noqa: F401
    with pytest.raises(InputError) as error, optional_packages("x"):
        raise ModuleNotFoundError("No module named 'timm.models'", name="timm.models")
    assert str(error.value) == "timm is needed for x: pip install 'gfmn[pipeline]'"
