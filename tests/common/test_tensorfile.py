"""The tensor file: what was written comes back, and what was damaged since is refused."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from builders.input_errors import line
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.errors import InputError

TENSORS = {
    "mean/a": torch.linspace(-1, 1, 6).reshape(2, 3),
    "mean/half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "variance/a": torch.arange(4, dtype=torch.int64),
    "variance/steps": torch.tensor(3.0, dtype=torch.float64),
    "variance/none": torch.zeros(0, 3),
}
ABOUT = {"format": "made-up", "count": 3, "sizes": (1, 2.5), "by": {1: None}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    tensorfile.write(path, TENSORS, ABOUT)
    return path


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    same = all(a[k].dtype == b[k].dtype and torch.equal(a[k], b[k]) for k in a)
    return a.keys() == b.keys() and same


def test_tensors_and_description_come_back_as_they_were(file: Path) -> None:
    about = tensorfile.read_metadata(file, "made-up")
    assert about == {"format": "made-up", "count": 3, "sizes": [1, 2.5], "by": {"1": None}}
    assert equal(tensorfile.read(file), TENSORS)
    assert equal(safetensors.torch.load_file(file), TENSORS)  # any reader of the format
    means = tensorfile.part(tensorfile.read(file), "mean/")
    assert equal(means, {"a": TENSORS["mean/a"], "half": TENSORS["mean/half"]})


def test_the_same_content_gives_the_same_bytes_in_any_order(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.safetensors"
    backwards = dict(reversed(TENSORS.items()))
    tensorfile.write(other, backwards, dict(reversed(ABOUT.items())))
    assert other.read_bytes() == file.read_bytes()


def test_one_flipped_bit_anywhere_is_refused_in_one_line_or_changes_nothing(file: Path) -> None:
    whole, about = file.read_bytes(), tensorfile.read_metadata(file, "made-up")
    neutral: list[int] = []
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        file.write_bytes(damaged)
        try:
            found = tensorfile.read(file)
            assert tensorfile.read_metadata(file, "made-up") == about and equal(found, TENSORS)
            neutral.append(place)
        except InputError as error:
            line = str(error)
            assert line.startswith(f"{file}: expected ") and "found" in line and "\n" not in line
    assert all(whole[place : place + 1].isspace() for place in neutral)


def test_the_line_about_a_damaged_tensor_names_the_file_and_both_digests(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    with pytest.raises(InputError, match=r"a\.safetensors: expected contents of sha256 \w{12}, "):
        tensorfile.read(file)


def test_a_file_that_lost_its_digest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.safetensors"
    about = json.dumps({"format": "made-up"})
    safetensors.torch.save_file(TENSORS, path, {tensorfile.KEY: about})
    with pytest.raises(InputError, match="expected contents of sha256 None, found"):
        tensorfile.read(path)


@pytest.mark.parametrize("where", ["metadata", "header"])
def test_metadata_nested_100_000_deep_is_one_line(where: str, tmp_path: Path) -> None:
    path, deep = tmp_path / "deep.safetensors", "[" * 100_000 + "]" * 100_000
    if where == "metadata":
        metadata = f'{{"format": "made-up", "a": {deep}}}'
        safetensors.torch.save_file(TENSORS, path, {tensorfile.KEY: metadata})
    else:
        header = f'{{"__metadata__": {deep}}}'.encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert line(tensorfile.read, path).startswith(f"{path}: expected a whole safetensors file")
    assert line(tensorfile.read_metadata, path, "made-up").startswith(f"{path}: expected ")


def test_file_in_place_of_another_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for content, found in (
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"", "an empty file"),
    ):
        path.write_bytes(content)
        assert f"expected a whole safetensors file, found {found}" in line(tensorfile.read, path)
