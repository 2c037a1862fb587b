"""Numbers of the command line: every option of every command has bounds that are checked."""

import argparse
import math
from collections.abc import Iterator

import pytest
from builders.commands import refused

from gfmn import cli
from gfmn.common.arguments import Number

BAD = (
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    str(2**64),
    str(10**30),
    "9" * 5000,
    "",
    "x",
    "1,5",
    "1e400",
)


def numbers() -> Iterator[tuple[str, argparse.Action]]:
    """Command and option of every number."""
    for name in cli.COMMANDS:
        parser = argparse.ArgumentParser()
        cli.fill(parser, name)
        for action in parser._actions:
            given = isinstance(action.default, int | float) and not isinstance(action.default, bool)
            if action.type in (int, float) or isinstance(action.type, Number) or given:
                yield name, action


def test_every_option_that_is_a_number_has_bounds_or_choices() -> None:
    found = [*numbers()]
    assert len(found) > 20
    for name, action in found:
        if not isinstance(action.type, Number):
            assert action.choices, (name, action.dest)
            continue
        assert math.isfinite(action.type.least) and math.isfinite(action.type.most)
        default = action.default
        assert default is None or action.type.least <= default <= action.type.most


@pytest.mark.parametrize(
    ("name", "action"),
    [pytest.param(*one, id=f"{one[0]} {one[1].dest}") for one in numbers()],
)
def test_every_number_is_refused_in_one_line_or_lies_within_the_bounds(
    name: str, action: argparse.Action
) -> None:
    for bad in BAD:
        count = action.nargs if isinstance(action.nargs, int) else 1
        words = [f"{action.option_strings[0]}={bad}"] if count == 1 else []
        words = words or [action.option_strings[0], *[bad] * count]
        parser = cli.Parser(prog="gfmn", exit_on_error=False)
        cli.fill(parser, name)
        parser._actions = [*parser._actions]
        for other in parser._actions:
            other.required = False
            if not other.option_strings:
                other.nargs = "*"
        try:
            found = getattr(parser.parse_args(words), action.dest)
        except (argparse.ArgumentError, cli.InputError) as error:
            assert len(str(error)) < 300 and "\n" not in str(error)
            continue
        kind = action.type
        for one in found if isinstance(found, list) else [found]:
            if isinstance(kind, Number):
                assert kind.least <= one <= kind.most


def test_a_number_out_of_bounds_is_one_line_of_the_command() -> None:
    line = refused("sample", "model", "--out", "a.npy", "--truncation", "nan")
    assert line.endswith("argument --truncation: expected a number of at least 0, found nan")
    line = refused("sample", "model", "--out", "a.npy", "--seed", "9" * 5000)
    assert line.endswith("argument --seed: expected at most 4.29497e+09, found 5000 characters")
