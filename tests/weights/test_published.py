"""Published checkpoints: files of PyTorch 0.3 and later become the networks that they hold."""

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
from builders.torch_files import legacy, line, saved
from torch import Tensor, nn

from gfmn.networks import describe
from gfmn.networks.extractor_file import file_digest, load_network, read_header
from gfmn.weights.command import main
from gfmn.weights.converters import FetchedNetwork, fetch_network
from gfmn.weights.modules import read_published
from gfmn.weights.published import import_published, recognise


def imported_taps(data: bytes, folder: Path, *words: str) -> list[Tensor]:
    """Import by the command, then what the extractor file's network makes of the images."""
    (folder / "ckpt.t7").write_bytes(data)
    main(["import", str(folder / "ckpt.t7"), "--out", str(folder / "out.safetensors"), *words])
    header = read_header(folder / "out.safetensors").networks[0]
    with torch.no_grad():
        return load_network(folder / "out.safetensors", header)(images())


def test_the_vgg19_of_pytorch_03_has_the_same_taps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = random_weights(VGG())
    content = {"net": nn.DataParallel(network), "acc": torch.tensor([57.25]), "epoch": 81}
    data = legacy(content)
    with pytest.raises(Exception, match=r"\w"):  # the reason for a reader of our own
        torch.load(io.BytesIO(data), weights_only=True)
    assert_same(imported_taps(data, tmp_path, "--name", "vgg19_32"), expected_taps(network))
    printed = capsys.readouterr().out
    for part in (
        "legacy torch file",
        "models.published.VGG",
        "acc 57.25, epoch 81",
        "architecture: vgg19_bn, trained at 32 px",
        "16, 303,104 features at 32 px",
        "dropped: classifier.0.weight, classifier.0.bias",
        "num_batches_tracked",
        file_digest(tmp_path / "out.safetensors"),
    ):
        assert part in printed
    header = read_header(tmp_path / "out.safetensors").networks[0]
    assert (header.name, header.architecture) == ("vgg19_32", "vgg19_bn")
    facts = header.provenance
    assert facts["sha256"] == file_digest(tmp_path / "ckpt.t7") and facts["file"] == "ckpt.t7"
    assert facts["facts"] == {"acc": 57.25, "epoch": 81}
    assert facts["classes"][0] == "torch.nn.parallel.data_parallel.DataParallel"
    assert str(tmp_path) not in str(facts)


def test_the_resnet18_of_pytorch_03_has_the_same_taps(tmp_path: Path) -> None:
    network = random_weights(ResNet())
    data = legacy({"net": network, "acc": 66, "epoch": 3})
    assert_same(imported_taps(data, tmp_path), expected_taps(network))
    header = read_header(tmp_path / "out.safetensors").networks[0]
    assert header.architecture == "resnet18" and header.provenance["trained_size"] == 32


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
def test_the_dcgan_encoder_is_known_by_its_shapes_and_imported_repeatably(
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
    record = import_published(tmp_path / "e.pth").record
    assert record.architecture == "dcgan_encoder" and record.image_size == size
    assert record.arguments == {"image_size": size, "latent": 100}
    assert torch.equal(record.state["blocks.extra2.conv.weight"], layers["conv_2"].weight)
    assert torch.equal(record.state["blocks.down2.norm.running_var"], layers["bn_3"].running_var)
    assert torch.equal(record.state["code.weight"], layers["code"].weight)
    for out in ("a", "b"):
        main(["import", str(tmp_path / "e.pth"), "--out", str(tmp_path / out)])
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")
    source = {"kind": "file", "path": str(tmp_path / "a"), "sha256": file_digest(tmp_path / "a")}
    facts = {"architecture": "dcgan_encoder", "source": {**source, "licence": "BSD"}}
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
        assert said in line(read_published, saved(content), "file.pt")
    torch_resnet = {"conv1.weight": torch.zeros(64, 3, 7, 7), "layer1.0.conv1.weight": images()}
    message = line(recognise, torch_resnet, "file.pt")
    assert "7 x 7" in message and "'torchvision:resnet18'" in message
    message = line(recognise, nn.Linear(2, 2).state_dict(), "file.pt")
    assert "expected a VGG" in message and "found 2 tensors: 'weight', 'bias'" in message
    assert "'two\\nlines'" in line(recognise, {"two\nlines": torch.zeros(1)}, "file.pt")
    two = nn.Sequential(OrderedDict(features=nn.Sequential(nn.Conv2d(3, 64, 3))))
    assert "found another one, with 1 layers" in line(recognise, two.state_dict(), "file.pt")


def test_a_wrong_file_is_one_line_and_a_failing_exit_code(tmp_path: Path) -> None:
    path, out = tmp_path / "missing.t7", str(tmp_path / "out.safetensors")
    for data in (None, b"", b"GIF89a" * 30, legacy({"net": VGG("vgg11")})[:4000]):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(SystemExit) as ended:
            main(["import", str(path), "--out", out])
        assert str(ended.value.code).startswith(f"error: {path}: expected ")
        assert "\n" not in str(ended.value.code) and not Path(out).exists()
    path.write_bytes(saved(VGG("vgg11").state_dict()))
    with pytest.raises(SystemExit) as ended:
        main(["import", str(path), "--out", out, "--name", "No Name"])
    assert "name: " in str(ended.value.code) and not Path(out).exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main(["import", str(path), "--out", str(tmp_path / "file" / "out.safetensors")])
    assert "expected to write a file" in str(ended.value.code)


def test_the_help_says_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["import", "--help"])
    assert ended.value.code == 0
    assert {"FILE", "--out", "--name", "ResNet18"} <= set(capsys.readouterr().out.split())


def test_the_features_of_the_two_published_networks_are_832k() -> None:
    counts = [
        [math.prod(shape) for shape in describe(name).tap_shapes(32)]
        for name in ("vgg19_bn", "resnet18")
    ]
    assert sum(counts[0]) + sum(counts[1][:16]) == 851_968
