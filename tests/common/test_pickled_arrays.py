"""Pickled numpy arrays: the same numbers, and no crash whatever a type's state claims."""

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.input_errors import line
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.common.pickled_arrays import read_arrays

ARRAYS = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    "part": np.arange(24, dtype=np.uint8).reshape(4, 6)[::2, 1::2],
    "half": np.linspace(0, 1, 5, dtype=np.float16),
    "big_endian": np.arange(4, dtype=">i4"),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), np.float32),
}


def read(value: Any, protocol: int = 4) -> Any:
    return read_arrays(io.BytesIO(pickle.dumps(value, protocol)), "file")


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol_are_the_same(protocol: int) -> None:
    found = read({"a": {"b": ARRAYS}, "c": [ARRAYS["half"], 1, "x"], "d": (1, 2)}, protocol)
    assert found["d"] == (1, 2) and found["c"][1:] == [1, "x"]
    np.testing.assert_array_equal(found["c"][0], ARRAYS["half"])
    for key, expected in ARRAYS.items():
        array = found["a"]["b"][key]
        assert array.dtype == expected.dtype and array.shape == expected.shape
        np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("core", [b"core", b"_core"])
@pytest.mark.parametrize("protocol", [3, 5])
def test_arrays_of_numpy_1_and_2_are_read(core: bytes, protocol: int) -> None:
    data = pickle.dumps(np.arange(3), protocol)
    data = data.replace(b"numpy._core", b"numpy." + core)
    if core == b"core" and protocol == 5:  # its name has a length before it
        data = data.replace(b"\x8c\x13numpy.core", b"\x8c\x12numpy.core")
    assert read_arrays(io.BytesIO(data), "file").tolist() == [0, 1, 2]


def test_arrays_of_python_2_are_read() -> None:
    data = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n(I2\ntcnumpy\n"
    )
    data += b"dtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntbI00\nU\x02\xff\x01tb."
    assert read_arrays(io.BytesIO(data), "file").tolist() == [255, 1]


class Calls:
    """An object whose pickle calls a function, and then gives it a state."""

    def __init__(self, function: Callable[..., Any], *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def array_of(kind: Any, data: Any = b"\x41" * 64, shape: Any = (8,)) -> Calls:
    reconstruct = np.zeros(1).__reduce__()[0]
    return Calls(reconstruct, np.ndarray, (0,), b"b", state=(1, shape, kind, False, data))


OBJECTS = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0x01)
KINDS = {
    "objects by flags": Calls(np.dtype, "V8", False, True, state=OBJECTS),
    "number with object flags": Calls(
        np.dtype, "u8", False, True, state=(3, "<", None, None, None, -1, -1, 0x3F)
    ),
    "objects": np.dtype("O"),
    "fields": np.dtype([("a", "f4")]),
    "sub-array": np.dtype(("f4", (2,))),
    "text": np.dtype("U2"),
    "time": np.dtype("M8[s]"),
    "complex": np.dtype("c8"),
    "no type": "f8",
}
CRASH = """
import pickle, sys
array = pickle.loads(open(sys.argv[1], "rb").read())
repr(array)
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_types_other_than_numbers_are_refused(kind: str, protocol: int) -> None:
    message = line(read, {"a": array_of(KINDS[kind])}, protocol)
    assert message.startswith("file: expected a pickle of numpy arrays, found: an array of another")


def test_object_flags_do_crash_an_interpreter_that_loads_them(tmp_path: Path) -> None:
    path = tmp_path / "evil.pickle"
    path.write_bytes(pickle.dumps(array_of(KINDS["objects by flags"])))
    ended = subprocess.run([sys.executable, "-c", CRASH, str(path)], capture_output=True)
    assert ended.returncode != 0  # the reason for making arrays from plain types alone
    with path.open("rb") as file:
        assert "file: expected" in line(read_arrays, file, "file")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (array_of(np.dtype("f8"), shape=(9,)), "64 bytes for an array of shape (9,)"),
        (array_of(np.dtype("f8"), shape=(1 << 40, 1 << 40)), "no row of counts|64 bytes"),
        (array_of(np.dtype("f8"), shape=(1 << 60,)), "no row of counts"),
        (array_of(np.dtype("f8"), shape=(-8,)), "no row of counts"),
        (array_of(np.dtype("f8"), shape=(1,) * 33), "no row of counts"),
        (array_of(np.dtype("f8"), shape=8), "no row of counts"),
        (array_of(np.dtype("f8"), data=[1.0] * 8), "numbers as a list"),
        (Calls(np.zeros(1).__reduce__()[0], np.ndarray, (0,), b"b"), "without its shape"),
        (np.float32(1), "multiarray.scalar, refused"),
        ((np.zeros(1),), "in a tuple, refused"),
        ({"a": np.ndarray}, "numpy.ndarray, refused"),
        ({("a", 1): 1}, "a key that is neither"),
    ],
)
def test_wrong_arrays_and_places_are_refused(value: Any, found: str) -> None:
    message = line(read, value)
    assert any(part in message for part in found.split("|"))


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (lambda path: Calls(os.system, f"touch {path}"), "system"),
        (lambda path: Calls(eval, f"open({str(path)!r}, 'w')"), "eval"),
        (lambda path: Calls(np.save, str(path), np.zeros(1)), "save"),
        (lambda path: Path("x"), "Path"),
    ],
)
def test_calls_are_refused_by_name_and_not_run(
    payload: Callable[[Path], Any], name: str, protocol: int, tmp_path: Path
) -> None:
    path = tmp_path / "written"
    message = line(read, {"a": np.zeros(2), "b": [payload(path)]}, protocol)
    assert message.startswith("file: ") and name in message and "refused" in message
    assert not path.exists()


def test_shared_and_recursive_containers_end() -> None:
    tree: Any = np.zeros(1)
    for _ in range(60):
        tree = {"a": tree, "b": tree}
    assert read(tree)["a"] is not None
    loop: list[Any] = [np.ones(1)]
    loop.append(loop)
    found = read(loop)
    assert found[1] is found and found[0] == 1


@pytest.mark.parametrize("cut", [0, 1, 20, -20, -1])
def test_truncated_pickle_is_one_line(cut: int) -> None:
    data = pickle.dumps({"a": np.zeros(9)}, 3)[:cut]
    assert line(read_arrays, io.BytesIO(data), "file", "a batch").startswith(
        "file: expected a batch"
    )


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_flipped_bytes_are_read_or_one_line(data: Any) -> None:
    file = bytearray(pickle.dumps({"a": np.arange(3), "b": [1.5, "x"]}, 4))
    for _ in range(data.draw(st.integers(1, 3))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_arrays(io.BytesIO(bytes(file)), "file")
    except InputError as error:
        assert str(error).startswith("file: ") and "\n" not in str(error)
