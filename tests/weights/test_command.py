"""`gfmn import`: what it reports, and its one-line errors."""

import argparse
from pathlib import Path

import pytest
import torch
from builders.authors_networks import VGG, random_weights
from builders.input_errors import line
from builders.torch_files import legacy, saved
from torch import nn

from gfmn.networks.extractor_file import file_digest, load_network, read_header
from gfmn.weights.command import add_arguments, run


def call(*words: str | Path) -> str:
    parser = argparse.ArgumentParser(prog="gfmn import")
    add_arguments(parser)
    return run(parser.parse_args(list(map(str, words))))


def test_report_says_what_was_found_and_written(tmp_path: Path) -> None:
    content = {"net": nn.DataParallel(random_weights(VGG())), "acc": torch.tensor([57.25])}
    path, out = tmp_path / "ckpt.t7", tmp_path / "out.safetensors"
    path.write_bytes(legacy({**content, "epoch": 81}))
    printed = call(path, "--out", out, "--name", "vgg19_32")
    for part in (
        f"{path}: legacy torch file, 98 tensors, under 'net'",
        "models.published.VGG",
        "acc 57.25, epoch 81",
        "architecture: vgg19_bn, trained at 32 px",
        "16, 303,104 features at 32 px",
        "dropped: classifier.0.weight, classifier.0.bias",
        "num_batches_tracked",
        f"{out}: sha256 {file_digest(out)}",
    ):
        assert part in printed
    header = read_header(out).networks[0]
    assert (header.name, header.architecture) == ("vgg19_32", "vgg19_bn")


def test_wrong_file_name_or_place_is_one_line(tmp_path: Path) -> None:
    path, out = tmp_path / "missing.t7", tmp_path / "out.safetensors"
    for data in (None, b"", b"GIF89a" * 30, legacy({"net": VGG("vgg11")})[:4000]):
        if data is not None:
            path.write_bytes(data)
        assert line(call, path, "--out", out).startswith(f"{path}: expected ")
        assert not out.exists()
    path.write_bytes(saved(VGG("vgg11").state_dict()))
    assert "name: " in line(call, path, "--out", out, "--name", "No Name")
    assert not out.exists()
    (tmp_path / "file").write_text("")
    message = line(call, path, "--out", tmp_path / "file" / "out.safetensors")
    assert "expected to write a file" in message


def test_help_says_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--help")
    assert ended.value.code == 0
    assert {"FILE", "--out", "--name", "ResNet18"} <= set(capsys.readouterr().out.split())


def test_stated_normalization_and_order_of_channels_are_the_networks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.t7"
    path.write_bytes(legacy({"net": random_weights(VGG("vgg11"))}))
    mean, std = (0.4, 0.45, 0.5), (0.1, 0.2, 0.3)
    call(path, "--out", tmp_path / "plain.safetensors")
    words = ("--channels", "bgr", "--mean", *map(str, mean), "--std", *map(str, std))
    call(path, "--out", tmp_path / "stated.safetensors", *words)
    files = [tmp_path / "plain.safetensors", tmp_path / "stated.safetensors"]
    headers = [read_header(file).networks[0] for file in files]
    assert headers[1].mean == mean[::-1] and headers[1].std == std[::-1]
    plain, stated = map(load_network, files, headers)
    images = torch.rand(2, 3, 32, 32)
    bgr = (images.flip(1) - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    for found, expected in zip(stated.stream(images), plain.activations(bgr), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    with pytest.raises(SystemExit):
        call(path, "--out", files[0], "--std", "0", "1", "1")
    assert "argument --std: expected a number of at least 1e-06, found 0" in capsys.readouterr().err
