"""The code blocks and tables of docs/extending.md, and what a reader does with them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

PAGE = Path(__file__).resolve().parents[2] / "docs/extending.md"
HEADINGS = {"python": "# ", "yaml": "# ", "diff": "+++ "}  # begin the line that names the file


@dataclass(frozen=True)
class Block:
    """One fenced block: a new file, an edit of one, rows of parameters, commands or output."""

    section: str  # the heading above it
    language: str
    lines: tuple[str, ...]  # without the one that names the file
    path: str  # of the file, from the project's folder; empty for commands and output
    place: str  # where it stands, for errors

    @property
    def added(self) -> list[str]:
        """Of an edit, the new lines."""
        return [line[1:] for line in self.lines if line.startswith("+")]

    def apply(self, root: Path) -> None:
        """Write the new file or make the edit; a block that does not fit is a `ValueError`."""
        path = root / self.path
        if self.language == "python":
            if path.exists():
                raise ValueError(f"{self.place}: expected no {self.path} yet, found one")
            path.write_text("\n".join(self.lines) + "\n")
        elif self.language == "diff":
            if not path.is_file():
                raise ValueError(f"{self.place}: expected the file {self.path}, found none")
            text = path.read_text().splitlines()
            for hunk in _hunks(self.lines):
                text = self._edited(text, hunk)
            path.write_text("\n".join(text) + "\n")

    def _edited(self, text: list[str], hunk: Sequence[str]) -> list[str]:
        if any(line[:1] not in ("+", "-", " ") for line in hunk):
            raise ValueError(f"{self.place}: expected lines that begin with +, - or a blank")
        before = [line[1:] for line in hunk if line[0] in " -"]
        after = [line[1:] for line in hunk if line[0] in " +"]
        size = len(before)
        starts = [i for i in range(len(text) - size + 1) if text[i : i + size] == before]
        if not before or len(starts) != 1:
            wanted = before[0].strip() if before else ""
            raise ValueError(
                f"{self.place}: expected the lines from {wanted!r} on once in {self.path}, "
                f"found them {len(starts)} times"
            )
        return [*text[: starts[0]], *after, *text[starts[0] + size :]]


def _hunks(lines: Sequence[str]) -> Iterator[list[str]]:
    hunk: list[str] = []
    for line in [*lines, "@@"]:
        if line != "@@":
            hunk.append(line)
        else:
            yield hunk
            hunk = []


def blocks(text: str, name: str = PAGE.name) -> list[Block]:
    """The blocks of a page, in its order; `ValueError` for one that names no file but should."""
    found: list[Block] = []
    section, language = "", None
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if language is None:
            section = line.removeprefix("## ") if line.startswith("## ") else section
            if line.startswith("```"):
                language, lines = line[3:], []
        elif line != "```":
            lines.append(line)
        else:
            place = f"{name}:{number - len(lines) - 1}"
            found.append(_block(section, language, lines, place))
            language = None
    if language is not None:
        raise ValueError(f"{name}: expected an end of the last block, found none")
    return found


def _block(section: str, language: str, lines: Sequence[str], place: str) -> Block:
    heading, path = HEADINGS.get(language), ""
    if heading is not None:
        first, *lines = lines or [""]
        path = first.removeprefix(heading)
        if path == first or not re.fullmatch(r"[\w./]+\.(py|yaml)", path):
            raise ValueError(f"{place}: expected a first line {heading}<file>, found {first!r}")
    return Block(section, language, tuple(lines), path, place)


def rows(page: Sequence[Block]) -> dict[str, Any]:
    """All rows for params.yaml, as one mapping."""
    merged: dict[str, Any] = {}
    for block in page:
        if block.language == "yaml":
            merge(merged, YAML(typ="safe").load("\n".join(block.lines)))
    return merged


def merge(into: dict[str, Any], rows: dict[str, Any]) -> None:
    """Put rows into a mapping of mappings, at every depth."""
    for key, value in rows.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


@dataclass(frozen=True)
class Addition:
    """A row of the page's first table."""

    path: str  # of the new file
    lists: tuple[str, ...]  # files that get a line
    stages: set[str]  # that run again


def additions(text: str) -> dict[str, Addition]:
    """The page's first table, by the heading of the section."""
    found: dict[str, Addition] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.match(r"\| an? ", line) and len(cells) == 4:
            (path,), lists, stages = (re.findall(r"`([^`]+)`", cell) for cell in cells[1:])
            found[cells[0].capitalize()] = Addition(path, tuple(lists), set(stages))
    return found


def lists_to_extend(text: str) -> set[str]:
    """The tests that the page's second table names: they fail until their lists are extended."""
    return set(re.findall(r"`(test_\w+)`", text))
