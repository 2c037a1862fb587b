"""From bytes to tensors: torch files, safetensors, pickled arrays, files of our own."""

import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.input_errors import line
from builders.published_weights import safetensors_file, saved
from torch import nn

from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, save_extractor
from gfmn.weights.containers import read_extractor, read_pickled_arrays, read_state_dict
from gfmn.weights.convert import convert


def test_state_dict_and_whole_module_are_tensors_by_name() -> None:
    expected = {"features.weight": torch.ones(1, 1), "features.bias": torch.zeros(1)}
    module = nn.Sequential(OrderedDict(features=nn.Linear(1, 1)))
    module.load_state_dict(expected)
    for data in (saved(expected), saved({"epoch": 3, "net": expected}), saved(module)):
        found = read_state_dict(data, "w.pth")
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_damaged_and_foreign_files_are_one_line() -> None:
    whole = safetensors_file({"a": torch.ones(9)})
    files = [whole[:-3], whole[:20], b"", b"x" * 99, saved({}), saved([1])]
    for data in (*files, saved({"a": torch.ones(2)})[:-50]):
        assert line(read_state_dict, data, "file").startswith("file: expected a")


def test_nested_pickled_arrays_are_read() -> None:
    tree = {"a": {"b": np.arange(6.0).reshape(2, 3)}, "c": np.float32([1]).repeat(3)}
    found = read_pickled_arrays(pickle.dumps(OrderedDict(tree), 3), "file.ckpt")
    np.testing.assert_array_equal(found["a"]["b"], tree["a"]["b"])
    np.testing.assert_array_equal(found["c"], [1, 1, 1])


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "file.ckpt: "),
        (pickle.dumps({"a": np.zeros(9)}, 3)[:-20], "file.ckpt: "),
        (pickle.dumps({"a": {"b": "word"}}), "file.ckpt/a/b: expected a numeric array, found str"),
        (pickle.dumps({1: np.zeros(2)}, 3), "file.ckpt/1: expected a key of text, found int"),
        (pickle.dumps({"a": np.array([None])}, 3), "file.ckpt: "),
        (pickle.dumps({"a": np.array([True])}, 3), "file.ckpt: "),
        (pickle.dumps(np.zeros(2), 3), "file.ckpt: expected a pickled dict"),
    ],
)
def test_pickle_of_anything_but_a_dict_of_arrays_is_refused(data: bytes, place: str) -> None:
    assert line(read_pickled_arrays, data, "file.ckpt").startswith(place)


def test_dicts_inside_themselves_end() -> None:
    loop: dict[str, object] = {"a": np.zeros(1)}
    loop["loop"] = loop
    assert read_pickled_arrays(pickle.dumps(loop), "file.ckpt")["loop"] is not None


def test_extractor_file_must_hold_the_network_once(tmp_path: Path) -> None:
    records = [
        NetworkRecord(name, architecture, build(architecture).state_dict(), {})
        for name, architecture in (("a", "vgg11"), ("b", "resnet18"), ("c", "vgg11"))
    ]
    path = tmp_path / "in.safetensors"
    save_extractor(path, records[:2])
    message = line(read_extractor, path.read_bytes(), "file", "vgg16")
    assert message == "file: expected one network 'vgg16', found vgg11, resnet18"
    save_extractor(path, records[::2])
    message = line(read_extractor, path.read_bytes(), "file", "vgg11")
    assert message == "file: expected one network 'vgg11', found vgg11, vgg11"
    assert read_extractor(saved({"a": torch.ones(1)}), "file", "vgg11") is None
    assert read_extractor(safetensors_file({"a": torch.ones(1)}), "file", "vgg11") is None


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\n <!DOCTYPE html><html>", "an HTML page"),
        (b"<HTML>", "an HTML page"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"", "an empty file"),
    ],
)
@pytest.mark.parametrize("architecture", ["vgg16", "resnet18"])
def test_file_in_place_of_weights_is_told(architecture: str, start: bytes, found: str) -> None:
    data = start + b"x" * 100 if start else b""
    message = line(convert, architecture, data, "weights.ckpt")
    assert message.startswith("weights.ckpt: expected ") and found in message
