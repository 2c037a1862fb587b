"""YAML as DVC reads it: numbers, strings, keys, aliases, and what is refused in one line."""

import datetime
import importlib.util
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gfmn.common import yaml_reader
from gfmn.common.errors import InputError


def value(text: str) -> Any:
    return yaml_reader.load(f"a: {text}\n", "params.yaml")["a"]


def by_dvc(text: str) -> Any:
    return YAML(typ="safe").load(f"a: {text}\n")["a"]


def refusal(content: str | bytes) -> str:
    with pytest.raises(InputError) as error:
        yaml_reader.load(content, "params.yaml")
    line = str(error.value)
    assert line.startswith("params.yaml: expected YAML, found ") and "\n" not in line
    return line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("1e-4", 1e-4), ("1e5", 1e5), ("5e-05", 5e-5), ("+1.0e-3", 1e-3), ("-1E+2", -100.0)),
        *((".5", 0.5), ("-.5", -0.5), (".5e3", 500.0), ("1.", 1.0), ("1.e2", 100.0), ("0.0", 0.0)),
        *((".inf", math.inf), ("-.Inf", -math.inf), ("1_000.5", 1000.5)),
        *(("12", 12), ("-3", -3), ("+4", 4), ("010", 10), ("08", 8), ("1_000", 1000)),
        *(("0x1F", 31), ("0o17", 15), ("0b11", 3), ("-0x1f", -31)),
    ],
)
def test_numbers(text: str, expected: float) -> None:
    found = value(text)
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    ["yes", "no", "on", "off", "y", "N", "1:30", "2020-1-1", "e5", "1.2.3", "0xG", "=", "_1"],
)
def test_strings(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    "text", ["2020-01-01", "2020-1-1", "2020-01-01T10:00:00Z", "2020-01", "20200101"]
)
def test_dates_are_told_as_dvc_tells_them(text: str) -> None:
    if isinstance(by_dvc(text), datetime.date):
        assert "the date" in refusal(f"a: {text}\n")
    else:
        assert value(text) == by_dvc(text)
    assert value(f'"{text}"') == text


def test_booleans_nulls_and_nan() -> None:
    for text, expected in (
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
    ):
        assert value(text) is expected
    assert math.isnan(value(".nan"))


SIGN = st.sampled_from(["", "+", "-"])
DIGITS = st.text("0123456789_", max_size=6)
SPELLINGS = st.builds(
    "".join,
    st.tuples(
        SIGN,
        st.sampled_from(["", "0x", "0o", "0b"]),
        DIGITS,
        st.sampled_from(["", "."]),
        DIGITS,
        st.sampled_from(["", "e", "E"]),
        SIGN,
        DIGITS,
    ),
)
# Where ruamel differs from YAML 1.2: `.5e3` is a string to it, `_1` a number.
ONLY_OURS = re.compile(r"[-+]?\.[0-9_]+[eE][0-9_]+")
ONLY_RUAMELS = re.compile(r"[-+]?\.?_.*")


@given(SPELLINGS)
def test_spellings_of_numbers_are_read_as_dvc_reads_them(text: str) -> None:
    if text in ("", "-") or ONLY_OURS.fullmatch(text) or ONLY_RUAMELS.fullmatch(text):
        return
    try:
        expected = by_dvc(text)
    except ValueError:  # as of `0x_`
        with pytest.raises(InputError):
            value(text)
        return
    found = value(text)
    assert found == expected and type(found) is type(expected)


@given(st.floats(allow_nan=False) | st.integers())
def test_written_numbers_are_read_as_they_were(number: float) -> None:
    text = "." + repr(number).removeprefix("-")
    text = repr(number) if math.isfinite(number) else ("-" if number < 0 else "") + text.lstrip("-")
    assert value(text) == number == by_dvc(text)


def test_pure_python_loader_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    spec = importlib.util.spec_from_file_location("pure", str(yaml_reader.__file__))
    assert spec is not None and spec.loader is not None
    pure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pure)
    assert issubclass(pure._Loader, yaml.SafeLoader)
    text = "[1e-4, .5, +1.0e-3, 1e5, 010, 0o17, 1_000, yes, off, 1:30, true, ~, {<<: {a: 1}, b: 2}]"
    assert pure.load(text, "x") == yaml_reader.load(text, "x")
    for wrong, found in (("{a: 1, a: 2}", "the key 'a' twice"), ("[" * 10_000, "levels")):
        with pytest.raises(InputError, match=found):
            pure.load(wrong, "x")


def test_aliases_and_merges() -> None:
    text = "x: &x {b: 1}\ntop: {inner: &y {<<: *x, b: 3}}\nz: {<<: [*y, *x], c: 4}\nsame: *x\n"
    expected = YAML(typ="safe").load(text)
    assert yaml_reader.load(text, "params.yaml") == expected
    assert expected["z"] == {"b": 3, "c": 4}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: 1\na: 2\n", "the key 'a' twice"),
        ("a: {b: 1, c: 2, b: 3}\n", "the key 'b' twice"),
        ("[" * 100 + "]" * 100, "more than 50 levels"),
        ("[" * 100_000, "more than 50 levels"),
        ("- " * 20_000, "more than 50 levels"),
        ("&a [*a]", "no value yet for *a"),
        ("a: *b", "no value yet for *b"),
        ("a: 2020-01-01", "the date 2020-01-01; as a text it stands in quotes"),
        ("a: 2020-1-1 10:00:00", "the date 2020-1-1 10:00:00"),
        ("a: !!timestamp 2020-01-01", "the date 2020-01-01"),
        ("a: !!binary aGk=", "could not determine a constructor for the tag"),
        ("a: !!set {x, y}", "could not determine a constructor for the tag"),
        ("a: !!omap [x: 1]", "could not determine a constructor for the tag"),
        ("a: !!pairs [x: 1]", "could not determine a constructor for the tag"),
        ("a: !!bool maybe", "maybe"),
        ("a: 0x" + "f" * 5000, "an integer of 5002 digits"),
        ("a: " + " " * (2 << 20), "more than 2,097,152 bytes"),
        ("a: [", "did not find expected node"),
        ("- a\n---\n- b\n", "expected a single document"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("? [a, b]\n: c\n", "unhashable key"),
        ("a: !!int x", "invalid literal"),
        ("a: \x00", "unacceptable character"),
        (b"\xff\xfe\xfa", "unacceptable character"),
        (b"a: \xe9", "incomplete UTF-8"),
    ],
    ids=lambda item: None if isinstance(item, bytes) or len(item) > 40 else item,
)
def test_refusal_is_one_line(content: str | bytes, found: str) -> None:
    assert found in refusal(content)


def test_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join(9 * [f'*a{i - 1}'])}]" for i in range(1, 12)]
    assert "more than 1,000,000 values" in refusal("\n".join(lines))
