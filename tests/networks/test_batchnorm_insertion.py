"""VGG without batch norm as one with it: the same function, in units of each channel."""

from pathlib import Path

import pytest
import torch
from builders.extractor_files import line, record
from torch import Tensor
from torch.nn import functional as F

from gfmn.networks import TappedNetwork
from gfmn.networks.batchnorm_insertion import with_batchnorm
from gfmn.networks.extractor_file import (
    NetworkRecord,
    load_network,
    only_network,
    read_state,
    save_extractor,
)

DATA = {"dataset": "noise", "count": 24}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A file of a VGG11 with random weights."""
    path = tmp_path / "plain.safetensors"
    save_extractor(path, [record("plain", "vgg11")])
    return path


@pytest.fixture
def images() -> Tensor:
    return torch.rand(24, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def normalized(plain: Path, images: Tensor) -> Path:
    path = plain.with_name("normalized.safetensors")
    save_extractor(path, [with_batchnorm("normalized", plain, images, DATA)])
    return path


def load(path: Path, mode: str = "eval") -> TappedNetwork:
    return load_network(path, only_network(path), mode)  # type: ignore[arg-type]


def test_taps_are_those_of_the_network_over_one_factor_a_channel(
    plain: Path, images: Tensor
) -> None:
    before, after = load(plain), load(normalized(plain, images))
    others = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        pairs = list(zip(before(others), after(others), strict=True))
    assert len(pairs) == 8
    for tap, same in pairs:
        factor = tap.square().sum((0, 2, 3), keepdim=True).sqrt()
        factor = factor / same.square().sum((0, 2, 3), keepdim=True).sqrt().clamp_min(1e-30)
        torch.testing.assert_close(same * factor, tap, rtol=1e-3, atol=1e-3 * float(tap.max()))


def test_outputs_before_the_first_relu_have_unit_deviation(plain: Path, images: Tensor) -> None:
    network = load(normalized(plain, images))
    layer = network.get_submodule("conv1_1").conv  # with its batch norm folded in
    with torch.no_grad():
        y = F.conv2d(network.normalize(images), layer.weight, layer.bias, padding=1)
    torch.testing.assert_close(y.std((0, 2, 3)), torch.ones(64), rtol=1e-3, atol=0)


def test_batch_mode_on_the_fitted_images_is_eval_mode(plain: Path, images: Tensor) -> None:
    path = normalized(plain, images)
    with torch.no_grad():
        for fixed, batch in zip(load(path)(images), load(path, "batch")(images), strict=True):
            torch.testing.assert_close(batch, fixed, rtol=1e-3, atol=1e-3)


def test_a_common_gain_of_the_images_changes_eval_mode_and_batch_mode_little(
    plain: Path, images: Tensor
) -> None:
    path = normalized(plain, images)
    darker = images * 0.5

    def change(mode: str) -> float:
        network = load(path, mode)
        with torch.no_grad():
            first, second = network(images)[2], network(darker)[2]
        return float((second - first).norm() / first.norm())

    assert change("batch") < change("eval") / 3


def test_the_file_says_of_which_network_and_images(plain: Path, images: Tensor) -> None:
    header = only_network(normalized(plain, images))
    assert header.architecture == "vgg11_bn"
    assert header.provenance == {"batchnorm": DATA, "network": only_network(plain).provenance}


def test_refuses_another_network_and_a_constant_channel(
    plain: Path, images: Tensor, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    save_extractor(other, [record("other", "resnet18")])
    refusal = line(with_batchnorm, "new", other, images, DATA)
    assert refusal == (
        f"{other}: expected a network of vgg11, vgg13, vgg16 or vgg19, found 'resnet18'"
    )
    state = read_state(plain, only_network(plain))
    state["conv1_1.weight"][3] = 0
    dead = tmp_path / "dead.safetensors"
    save_extractor(dead, [NetworkRecord("dead", "vgg11", state, {})])
    refusal = line(with_batchnorm, "new", dead, images, DATA)
    assert refusal == f"{dead}: conv1_1: expected channels that vary, found a constant one"
