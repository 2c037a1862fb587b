"""Checkpoints of PyTorch 0.3 and later become the networks that they hold."""

import io
import math
from collections import OrderedDict
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from builders.authors_networks import (
    VGG,
    ResNet,
    assert_same,
    expected_taps,
    images,
    random_weights,
)
from builders.input_errors import line
from builders.torch_files import legacy, saved
from torch import Tensor, nn

from gfmn.networks import describe
from gfmn.networks.extractor_file import file_digest, load_network, read_header, save_extractor
from gfmn.weights.checkpoints import read_checkpoint
from gfmn.weights.config import FetchedNetwork
from gfmn.weights.convert import fetch_network
from gfmn.weights.recognize import import_checkpoint, recognize


def imported_taps(data: bytes, folder: Path) -> list[Tensor]:
    """What the imported network makes of the images."""
    (folder / "ckpt.t7").write_bytes(data)
    out = folder / "out.safetensors"
    save_extractor(out, [import_checkpoint(folder / "ckpt.t7").record])
    with torch.no_grad():
        return load_network(out, read_header(out).networks[0])(images())


def test_vgg19_of_pytorch_03_has_the_same_taps(tmp_path: Path) -> None:
    network = random_weights(VGG())
    data = legacy({"net": nn.DataParallel(network), "acc": torch.tensor([57.25]), "epoch": 81})
    with pytest.raises(Exception, match=r"\w"):  # the reason for a reader of our own
        torch.load(io.BytesIO(data), weights_only=True)
    assert_same(imported_taps(data, tmp_path), expected_taps(network))
    record = import_checkpoint(tmp_path / "ckpt.t7", "vgg19_32").record
    assert (record.name, record.architecture) == ("vgg19_32", "vgg19_bn")
    facts = record.provenance
    assert facts["sha256"] == file_digest(tmp_path / "ckpt.t7") and facts["file"] == "ckpt.t7"
    assert facts["facts"] == {"acc": 57.25, "epoch": 81}
    assert facts["classes"][0] == "torch.nn.parallel.data_parallel.DataParallel"
    assert str(tmp_path) not in str(facts)


def test_resnet18_of_pytorch_03_has_the_same_taps(tmp_path: Path) -> None:
    network = random_weights(ResNet())
    data = legacy({"net": network, "acc": 66, "epoch": 3})
    assert_same(imported_taps(data, tmp_path), expected_taps(network))
    record = import_checkpoint(tmp_path / "ckpt.t7").record
    assert record.architecture == "resnet18" and record.provenance["trained_size"] == 32


@pytest.mark.filterwarnings("ignore:Couldn't retrieve source code")
@pytest.mark.parametrize(
    ("zipped", "whole", "batchnorm"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, True)],
)
def test_later_files_of_either_container_have_the_same_taps(
    zipped: bool, whole: bool, batchnorm: bool, tmp_path: Path
) -> None:
    network = random_weights(VGG("vgg11", batchnorm))
    content = {"net": network} if whole else network.state_dict()
    data = saved(content, _use_new_zipfile_serialization=zipped)
    assert_same(imported_taps(data, tmp_path), expected_taps(network))


@pytest.mark.parametrize("size", [32, 64])
def test_dcgan_encoder_is_recognized_by_shapes_and_imported_repeatably(
    size: int, tmp_path: Path
) -> None:
    channels = {32: (3, 64, 64, 64, 128, 256), 64: (3, 64, 64, 64, 128, 256, 512)}[size]
    layers = OrderedDict[str, nn.Module]()
    for i, (into, out) in enumerate(pairwise(channels)):
        layers[f"conv_{i}"] = nn.Conv2d(into, out, 3 if i in (1, 2) else 4, bias=False)
        layers[f"bn_{i}"] = nn.BatchNorm2d(out)
    layers["code"] = nn.Conv2d(channels[-1], 100, 4, bias=False)
    network = random_weights(nn.Sequential(layers))
    state = {f"net.net.submodel.{key}": value for key, value in network.state_dict().items()}
    (tmp_path / "e.pth").write_bytes(saved(state))
    record = import_checkpoint(tmp_path / "e.pth").record
    assert record.architecture == "dcgan_encoder" and record.image_size == size
    assert record.arguments == {"image_size": size, "latent": 100}
    assert torch.equal(record.state["blocks.extra2.conv.weight"], layers["conv_2"].weight)
    assert torch.equal(record.state["blocks.down2.norm.running_var"], layers["bn_3"].running_var)
    assert torch.equal(record.state["code.weight"], layers["code"].weight)
    for out in ("a", "b"):
        save_extractor(tmp_path / out, [import_checkpoint(tmp_path / "e.pth").record])
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    source = {"kind": "file", "path": str(tmp_path / "a"), "sha256": file_digest(tmp_path / "a")}
    facts = {"architecture": "dcgan_encoder", "source": {**source, "license": "BSD"}}
    fetched = fetch_network("theirs", FetchedNetwork.parse(facts, "here"), "here")
    assert (fetched.arguments, fetched.image_size) == (record.arguments, size)
    assert fetched.provenance["network"] == record.provenance
    assert all(torch.equal(value, record.state[key]) for key, value in fetched.state.items())


def test_files_without_a_known_network_say_what_they_hold() -> None:
    for content, said in (
        ({"optimizer": {}, "epoch": 3}, "with the keys 'optimizer', 'epoch'"),
        ([1, 2], "no module at the root"),
        ({}, "a dict without a network"),
        (nn.ReLU(), "no tensors"),
    ):
        assert said in line(read_checkpoint, saved(content), "file.pt")
    torch_resnet = {"conv1.weight": torch.zeros(64, 3, 7, 7), "layer1.0.conv1.weight": images()}
    message = line(recognize, torch_resnet, "file.pt")
    assert "7 x 7" in message and "'torchvision:resnet18'" in message
    message = line(recognize, nn.Linear(2, 2).state_dict(), "file.pt")
    assert "expected a VGG" in message and "found 2 tensors: 'weight', 'bias'" in message
    assert "'two\\nlines'" in line(recognize, {"two\nlines": torch.zeros(1)}, "file.pt")
    two = nn.Sequential(OrderedDict(features=nn.Sequential(nn.Conv2d(3, 64, 3))))
    assert "found another one, with 1 layers" in line(recognize, two.state_dict(), "file.pt")


def test_features_of_the_papers_two_networks_are_832k() -> None:
    counts = [
        [math.prod(shape) for shape in describe(name).tap_shapes(32)]
        for name in ("vgg19_bn", "resnet18")
    ]
    assert sum(counts[0]) + sum(counts[1][:16]) == 851_968
