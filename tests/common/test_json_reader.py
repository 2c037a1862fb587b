"""JSON: the values of Python's own reader, and bounds before anything is built."""

import json
import os
from pathlib import Path

import pytest
from builders.input_errors import line
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common import json_reader
from gfmn.common.errors import InputError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(VALUES)
def test_values_are_those_of_pythons_reader(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert json_reader.loads(text) == json_reader.loads(text.encode()) == value


def test_brackets_in_strings_do_not_count() -> None:
    text = json.dumps({"[" * 1000: '"{' * 1000, "\\": "[" * 1000})
    assert json_reader.loads(text) == json.loads(text)
    deepest = "[" * json_reader.MAX_DEPTH + "]" * json_reader.MAX_DEPTH
    assert json_reader.loads(deepest) == json.loads(deepest)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"[" * 100_000, "more than 50 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "more than 50 levels"),
        (b"[" * 51 + b"]" * 51, "more than 50 levels"),
        (b" " * (32 << 20) + b"1", "at most 33,554,432 bytes"),
        (b"1" * 5000, "4300 digits"),
        (b'"' + b'\\"' * 100_000, "Unterminated string"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b"\xff\xfe", "can't decode"),
        (b'{"a": NaN}', "NaN, which is not finite"),
        (b'{"a": [-Infinity]}', "-Infinity, which is not finite"),
        (b'{"a": 1e999}', "1e999, which is not finite"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "'b' twice"),
        (b"", "Expecting value"),
        (b"[1]", "expected a JSON object, found [1]"),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_refusal_is_one_line(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    message = line(json_reader.read, path, "a description")
    assert message.startswith(f"{path}: expected ") and found in message


def test_pipe_folder_and_missing_file_are_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "expected a file, found a pipe" in line(json_reader.read, tmp_path / "pipe")
    assert "expected a file, found a folder" in line(json_reader.read, tmp_path)
    with pytest.raises(InputError, match="expected scores, found no file"):
        json_reader.read(tmp_path / "none", "scores")
