"""What a command prints: text for people, JSON for programs."""

import os
from pathlib import Path
from typing import Any, NamedTuple, TextIO

STDOUT = Path("-")  # as the name of a file to write
COLORS = {"red": 31, "green": 32, "yellow": 33}


class Result(NamedTuple):
    """What a command returns."""

    text: str  # for people
    data: Any  # JSON values, for `--json`


def paint(text: str, color: str, stream: TextIO) -> str:
    """The text in a color, where the stream is a terminal and NO_COLOR is not set."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or not stream.isatty() else f"\033[{COLORS[color]}m{text}\033[0m"
