"""Pickles as inert records: nothing is run or looked up, nothing absurd crashes."""

import io
import pickle
import sys
from collections import OrderedDict, defaultdict
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.pickles import Global, MalformedError, Record, one_line, read_pickle

ABSURD = [
    b"((Vstorage\n(Vmodule\nctorch\nFloatStorage\ntQtQ.",  # a persistent id within another
    b"Pname\n.",
    b"\x82\x01.",  # a registered extension
    b"(" + b"(" * 50_000 + b"t" * 50_000 + b"I1\nd.",  # a deep key
    b"}" + b"2" * 3 + b"s.",
    b"}}I1\ns.",
    b"0.",
    b"a.",
    b"R.",
    b"\x95\xff\xff\xff\xff\xff\xff\xff\xff.",  # a frame of 2^64 bytes
    b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fx.",  # a string of 2^63 bytes
    b"j\xff\xff\xff\xff.",
    b"I" + b"9" * 5000 + b"\n.",
    b"",
    b"N",
]


@pytest.mark.parametrize("protocol", range(6))
def test_containers_and_constants_are_what_pickle_makes(protocol: int) -> None:
    value = {
        "text": ["é", b"\xff\x00", b"", 1, -(1 << 70), 2.5, None, True],
        ("a", 1): (OrderedDict(x=(1,)), defaultdict(list), (1, 2), (1, 2, 3, 4), ()),
    }
    assert read_pickle(io.BytesIO(pickle.dumps(value, protocol))) == value


def test_containers_may_hold_themselves_and_be_deep() -> None:
    found = read_pickle(io.BytesIO(b"]" + b"2a" * 50 + b"."))
    assert found[0] is found and len(found) == 50
    read_pickle(io.BytesIO(b"(" * 50_000 + b"t" * 50_000 + b"."))


def test_calls_become_records_with_their_state() -> None:
    found = read_pickle(io.BytesIO(pickle.dumps(PurePosixPath("a/b"), 2)))
    assert isinstance(found, Record) and str(found.function).endswith("PurePosixPath")
    found = read_pickle(io.BytesIO(b"cx\ny\n)\x81}V_a\nI1\nsb."))
    assert found.function == Global("x", "y") and found.state == {"_a": 1}


def test_names_are_never_looked_up() -> None:
    before = set(sys.modules)
    found = read_pickle(io.BytesIO(b"cantigravity\nfly\n(tR."))
    assert isinstance(found, Record) and str(found.function) == "antigravity.fly"
    assert set(sys.modules) == before


@pytest.mark.parametrize("pickled", ABSURD)
def test_absurd_pickles_are_refused(pickled: bytes) -> None:
    with pytest.raises(Exception) as caught:
        read_pickle(io.BytesIO(pickled))
    assert not isinstance(caught.value, MemoryError | RecursionError)


@pytest.mark.parametrize(
    "call",
    [
        b"c_codecs\nencode\n(h\x00Vlatin1\ntR",
        b"ccollections\nOrderedDict\n(h\x01tR",
    ],
)
def test_repeated_copies_cannot_fill_the_memory(call: bytes) -> None:
    long = b"X\xe8\x03\x00\x00" + b"a" * 1000 + b"q\x00" + b"](" + b"]" * 500 + b"eq\x01"
    with pytest.raises((MalformedError, ValueError)):
        read_pickle(io.BytesIO(long + call * 200 + b"."))


def test_reason_is_one_printable_line() -> None:
    assert one_line(MalformedError("a\nb\x1b[2J" + "c" * 300)) == "a b[2J" + "c" * 194
    assert one_line(ValueError("x")) == "ValueError('x')"


@settings(max_examples=200, deadline=None)
@given(pickled=st.binary(max_size=40))
def test_no_bytes_exhaust_memory_or_stack(pickled: bytes) -> None:
    found: Any = None
    try:
        found = read_pickle(io.BytesIO(pickled))
    except Exception as error:
        assert not isinstance(error, MemoryError | RecursionError)
    assert found is not NotImplemented
