"""Checkpoints: nothing of a malicious one runs, and a damaged one ends in one line."""

import io
import os
import pickle
import re
import struct
import subprocess
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.input_errors import line
from builders.torch_files import legacy, saved
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.weights.checkpoints import read_checkpoint
from gfmn.weights.containers import read_state_dict
from gfmn.weights.recognize import recognize

HEADERS = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]


class Calls:
    """An object whose pickle calls a function, and then gives it a state."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def legacy_of(pickled: bytes) -> bytes:
    """A legacy file around one pickle, without storages."""
    return b"".join(pickle.dumps(h, 2) for h in HEADERS) + pickled + pickle.dumps([], 2)


def zip_of(pickled: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    return buffer.getvalue()


class SetsState:
    """Its `__setstate__` leaves a trace."""

    def __setstate__(self, state: Path) -> None:
        state.touch()


def payloads(trace: Path) -> list[Any]:
    code = f"open({str(trace)!r}, 'w')"
    sets = SetsState.__new__(SetsState)
    return [
        Calls(os.system, f"touch {trace}"),
        Calls(eval, code),
        Calls(exec, code),
        Calls(subprocess.Popen, ["touch", str(trace)]),
        Calls(getattr, Calls(__import__, "os"), "system"),
        Calls(SetsState, state=trace),
        Calls(Calls, eval, code, state={"__class__": SetsState}),
        {"net": Calls(nn.Linear, 1, 1, state={"_modules": Calls(eval, code)})},
        {Calls(eval, code): 1, "acc": Calls(eval, code)},
        sets,
    ]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("pack", [legacy_of, zip_of])
@pytest.mark.parametrize("number", range(10))
def test_malicious_pickle_runs_nothing(
    number: int, pack: Callable[[bytes], bytes], protocol: int, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    data = pack(pickle.dumps(payloads(trace)[number], protocol))
    assert line(read_checkpoint, data, "file.t7").startswith("file.t7: expected a whole file of")
    assert not trace.exists()


def test_payloads_run_where_a_pickle_is_loaded(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(payloads(trace)[1]))
    assert trace.exists()


def test_malicious_fact_beside_the_weights_is_left_out(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    content = {"net": nn.Linear(2, 3), "acc": Calls(os.system, f"touch {trace}"), "epoch": 4}
    content |= {"escape": "\x1b[2J", "long": "x" * 200}
    for data in (legacy(content), saved(content)):
        found = read_checkpoint(data, "file.t7")
        assert found.facts == {"epoch": 4} and found.state.keys() == {"weight", "bias"}
    assert not trace.exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"((Vstorage\n(Vmodule\nctorch\nFloatStorage\ntQtQ.",  # a persistent id within another
        b"(Vstorage\nceval\nFloatStorage\nV0\nVcpu\nI3\ntQ.",
        b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI-3\ntQ.",
        b"(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nI3\n(V1\nI2\nI2\nttQ.",  # a view too long
        b"(Vmodule\nceval\nx\nV\nV\ntQ.",
        b"]" + b"2a" * 50 + b".",  # a list in itself
        b"(" * 5000 + b"t" * 5000 + b".",  # as deep as a stack
        b"cx\ny\n)\x81}b.",
    ],
)
def test_absurd_pickles_are_one_line(pickled: bytes) -> None:
    for data in (legacy_of(pickled), zip_of(pickled)):
        assert line(read_checkpoint, data, "file.t7").startswith(
            "file.t7: expected a whole file of"
        )


def module(children: bytes, state: bytes = b"") -> bytes:
    """A pickled module, memoised as 0; its children's dict and its parameters' are given."""
    return b"cm\nM\n)\x81q\x00}(V_modules\n" + children + b"V_parameters\n}(" + state + b"uub."


def test_modules_inside_themselves_are_refused() -> None:
    twice = module(b"}(Va\nh\x00Vb\nh\x00u")
    wide = module(b"}(" + b"".join(b"Va%d\nh\x00" % i for i in range(200)) + b"u")
    for pickled in (twice, wide):
        found = line(read_checkpoint, legacy_of(pickled), "file.t7")
        assert "more than 10000 modules" in found or re.search(r"no module at (a0?\.)+", found)


def test_small_file_cannot_fill_the_memory() -> None:
    numbers = torch.zeros(1 << 16)
    data = legacy({f"a{i}": numbers for i in range(100)})
    assert "more numbers than the file has" in line(read_checkpoint, data, "file.t7")


def test_storage_count_must_be_the_tensors() -> None:
    data = legacy({"a": torch.zeros(8)})
    for count in (7, 9, 0, -1, 1 << 60):
        changed = data[:-40] + struct.pack("<q", count) + data[-32:]
        assert line(read_checkpoint, changed, "file.t7").startswith("file.t7: ")
    assert (
        read_checkpoint(data[:-40] + struct.pack("<q", 8) + data[-32:], "f").state["a"].sum() == 0
    )


def test_compressed_or_big_endian_archive_is_refused() -> None:
    original = saved({"a": torch.ones(3)})
    for compression, order, said in (
        (zipfile.ZIP_DEFLATED, b"little", "compressed entries"),
        (zipfile.ZIP_STORED, b"big", "not little-endian"),
    ):
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(original)) as old,
            zipfile.ZipFile(buffer, "w", compression) as new,
        ):
            for entry in old.namelist():
                new.writestr(entry, order if entry.endswith("byteorder") else old.read(entry))
        assert said in line(read_checkpoint, buffer.getvalue(), "file.pt")


def test_encrypted_or_overlapping_archive_is_refused() -> None:
    original = saved({"a": torch.ones(300)})
    encrypted, overlapping = bytearray(original), bytearray(original)
    place = original.index(b"PK\x01\x02")
    encrypted[place + 8] |= 1
    while place >= 0:  # every entry claims half of the file
        struct.pack_into("<II", overlapping, place + 20, *[len(original) // 2] * 2)
        place = original.find(b"PK\x01\x02", place + 1)
    for data, found in ((encrypted, "encrypted entries"), (overlapping, "larger than the archive")):
        assert found in line(read_checkpoint, bytes(data), "file.pt")


def test_network_is_taken_from_the_first_known_key() -> None:
    content = {"net": {"a": torch.zeros(1)}, "epoch": 3, "state_dict": {"a": torch.ones(1)}}
    for data in (legacy(content), saved(content)):
        found = read_checkpoint(data, "file.pt")
        assert found.place == "state_dict" and found.state["a"].item() == 1
        assert found.ignored == ("net",) and read_state_dict(data, "file.pt") == found.state
        assert found.facts == {"epoch": 3}
    assert read_checkpoint(saved({"a": torch.ones(1)}), "file.pt").place is None


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "a pointer of Git LFS"),
        (b"\n<!DOCTYPE HTML><html>", "an HTML page"),
        (b"<html><head>", "an HTML page"),
        (b"\x1f\x8b\x08\x00" + b"x" * 20, "a gzip file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
    ],
)
def test_files_downloaded_in_place_of_a_checkpoint_are_named(data: bytes, found: str) -> None:
    assert f"found: {found}" in line(read_checkpoint, data, "file.pt")


@cache
def small_files() -> tuple[bytes, ...]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.ReLU())
    content = {"net": nn.DataParallel(network), "acc": 12.5, "epoch": 3}
    files = (legacy(content), saved(content), saved(network.state_dict()))
    return (*files, saved(network.state_dict(), _use_new_zipfile_serialization=False))


def outcome(data: bytes) -> dict[str, Tensor] | None:
    """The tensors, or None where the file is refused; any other exception is a defect."""
    try:
        state = read_checkpoint(data, "file.t7").state
        recognize(state, "file.t7")
    except InputError as error:
        assert str(error).startswith("file.t7: ") and "\n" not in str(error)
        return None
    return state


@settings(max_examples=300, deadline=None)
@given(number=st.integers(0, 3), data=st.data())
def test_flipped_byte_is_refused_or_read(number: int, data: Any) -> None:
    file = bytearray(small_files()[number])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(file) - 1))
        file[place] = data.draw(st.integers(0, 255))
    outcome(bytes(file))


@settings(max_examples=150, deadline=None)
@given(number=st.integers(0, 3), data=st.data())
def test_truncated_file_is_refused(number: int, data: Any) -> None:
    file = small_files()[number]
    assert outcome(file[: data.draw(st.integers(0, len(file) - 1))]) is None


@settings(max_examples=200, deadline=None)
@given(pickled=st.binary(max_size=40))
def test_random_bytes_are_refused_or_read(pickled: bytes) -> None:
    outcome(legacy_of(pickled))
