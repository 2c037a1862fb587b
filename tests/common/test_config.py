"""Groups of parameters: what they accept, and one line for what they do not."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from gfmn.common.config import Config, choose, suggest
from gfmn.common.errors import InputError


class Inner(Config):
    rate: float = Field(0.5, gt=0)
    counts: tuple[int, ...] = ()


class Outer(Config):
    steps: int
    inner: Inner = Inner()
    rows: dict[str, Inner] = Field({})
    pair: tuple[str, str] | None = None
    taps: Literal["all"] | int | tuple[str, ...] = "all"
    parts: tuple[Inner, ...] = ()
    class_: str = Field("x", alias="class")
    named: dict[Annotated[str, Field(pattern="^[a-z]+$")], int] = Field({})
    anything: dict[str, Any] = Field({})

    @model_validator(mode="after")
    def _even(self) -> "Outer":
        if self.steps % 2:
            raise ValueError("expected an even number of steps")
        return self


def line(data: Any) -> str:
    with pytest.raises(InputError) as error:
        Outer.parse(data, "x")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_plain_data_become_frozen_groups() -> None:
    data = {
        "steps": 2,
        "inner": {"rate": 1, "counts": [1, 2]},
        "rows": {"a": {"counts": [3]}},
        "pair": ["a", "b"],
        "taps": ["a"],
        "parts": [{"rate": 2.5}],
        "class": "y",
        "anything": {"sizes": [1, [2]]},
    }
    config = Outer.parse(data, "x")
    assert config.inner == Inner(rate=1.0, counts=(1, 2)) and type(config.inner.rate) is float
    assert config.rows["a"].counts == (3,) and config.pair == ("a", "b")
    assert config.taps == ("a",) and config.parts == (Inner(rate=2.5),) and config.class_ == "y"
    assert config.anything == {"sizes": [1, [2]]}  # only fields' own lists are tuples
    assert Outer.parse(config.model_dump(mode="json", by_alias=True), "x") == config
    with pytest.raises(ValidationError):
        config.steps = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"setps": 2}, "x.setps: unknown key; did you mean 'steps'?"),
        ({"inner": {"rat": 1}}, "x.inner.rat: unknown key; did you mean 'rate'?"),
        ({"inner": {"zzz": 1}}, "x.inner.zzz: unknown key; known: counts, rate"),
        ({"rows": {"a": {"rat": 1}}}, "x.rows.a.rat: unknown key; did you mean 'rate'?"),
        ({"parts": [{}, {"rat": 1}]}, "x.parts.1.rat: unknown key; did you mean 'rate'?"),
        ({"clas": "y"}, "x.clas: unknown key; did you mean 'class'?"),
        ({3: 4}, "x.3: unknown key; known: "),
        ({"steps": "2"}, "x.steps: expected a valid integer, found '2'"),
        ({"steps": True}, "x.steps: expected a valid integer, found True"),
        ({"steps": 2.0}, "x.steps: expected a valid integer, found 2.0"),
        ({"steps": 3}, "x: expected an even number of steps, found {"),
        ({"class": date(2020, 1, 1)}, "x.class: expected a valid string, found datetime.date("),
        ({"inner": {"rate": 0}}, "x.inner.rate: expected greater than 0, found 0"),
        ({"inner": {"rate": True}}, "x.inner.rate: expected a valid number, found True"),
        ({"inner": {"counts": 3}}, "x.inner.counts: expected a valid array, found 3"),
        ({"inner": {"counts": [1, "a"]}}, "x.inner.counts.1: expected a valid integer, found 'a'"),
        ({"inner": [1]}, "x.inner: expected a mapping of parameters, found [1]"),
        ({"inner": None}, "x.inner: expected a mapping of parameters, found None"),
        ({"pair": ["a"]}, "x.pair.1: required, found nothing"),
        ({"taps": 3.5}, "x.taps: expected 'all', found 3.5 (and 2 more)"),
        ({"named": {"A b": 1}}, "x.named.A b: String should match pattern '^[a-z]+$', found 'A b'"),
    ],
)
def test_wrong_value_is_one_line(change: dict[Any, Any], expected: str) -> None:
    assert line({"steps": 2} | change).startswith(expected)


def test_unknown_key_comes_before_a_missing_one() -> None:
    assert line({"step": 2}).startswith("x.step: unknown key; did you mean 'steps'?")
    assert line({}) == "x.steps: required, found nothing"
    both = {"steps": "2", "inner": {"rat": 1}}
    assert line(both) == "x.inner.rat: unknown key; did you mean 'rate'? (and 1 more)"


@pytest.mark.parametrize("data", [None, 3, "a", [1]])
def test_no_mapping_is_one_line(data: Any) -> None:
    assert line(data) == f"x: expected a mapping of parameters, found {data!r}"


def test_choose_finds_what_a_key_names() -> None:
    kinds = {"wheel": 1, "file": 2}
    assert choose({"kind": "file"}, "x", "kind", kinds) == 2
    for data, expected in (
        ({"kind": "whel"}, "x.kind: no 'whel'; did you mean 'wheel'?"),
        ({"kind": ["wheel"]}, "x.kind: no ['wheel']; "),
        ({}, "x.kind: required, found nothing"),
        (3, "x: expected a mapping of parameters, found 3"),
    ):
        with pytest.raises(InputError) as error:
            choose(data, "x", "kind", kinds)
        assert str(error.value).startswith(expected)


def test_suggest() -> None:
    assert suggest("rat", ["rate", "counts"]) == "did you mean 'rate'?"
    assert suggest("zzz", ["rate", "counts"]) == "known: counts, rate"
