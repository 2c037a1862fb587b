"""Changes of params.yaml that leave its comments and its layout as they are."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from gfmn.common import parameters, yaml_reader
from gfmn.common.errors import InputError
from gfmn.study import check

SPECIAL = set(":#,[]{}")  # in a string of a row in one line, which DVC then reads in quotes alone


class Editor:
    """A study's params.yaml while it is changed; `params` are the study's parameters so far."""

    def __init__(self, path: Path) -> None:
        self.path, self.yaml = path, YAML()
        self.yaml.preserve_quotes, self.yaml.width = True, 10**6  # DVC reads no broken line
        self.params = parameters.read(path)
        self.tree = self.yaml.load(path.read_text())

    def set(self, keys: Sequence[str], value: Any) -> None:
        """Set the value at a path of keys; mappings that are missing on the way are made.

        A mapping without others in it is written in one line.
        """
        place = self.tree
        for key in keys[:-1]:
            if not isinstance(place.setdefault(key, CommentedMap()), Mapping):
                found = f"found {place[key]!r:.60}"
                raise InputError(f"{self.path}: {'.'.join(keys)}: expected a mapping, {found}")
            place = place[key]
        place[keys[-1]] = _laid_out(value)

    def text(self) -> str:
        """The file's new content."""
        out = io.StringIO()
        self.yaml.dump(self.tree, out)
        return out.getvalue()


def row_text(row: Mapping[str, Any]) -> str:
    """A row as YAML: in one line where it has no other mapping in it."""
    yaml, out = YAML(), io.StringIO()
    yaml.width = 10**6
    yaml.dump(_laid_out(row), out)
    return out.getvalue().strip()


def _laid_out(value: Any) -> Any:
    if isinstance(value, str) and set(value) & SPECIAL:
        return DoubleQuotedScalarString(value)
    if not isinstance(value, Mapping):
        return value
    result = CommentedMap({key: _laid_out(one) for key, one in value.items()})
    if not any(isinstance(one, Mapping) and one for one in value.values()):
        result.fa.set_flow_style()
    return result


@contextmanager
def editing(path: Path) -> Iterator[Editor]:
    """Change a parameter file: written at the end, and put back where the check refuses it."""
    before = path.read_text()
    editor = Editor(path)
    yield editor
    try:
        path.write_text(editor.text())
        check(parameters.read(path), str(path))
    except BaseException:
        path.write_text(before)
        raise


def assignments(words: Sequence[str], where: str) -> list[tuple[list[str], Any]]:
    """Keys and value of each `field=value`; the value is read as YAML."""
    found = []
    for word in words:
        field, equals, value = word.partition("=")
        if not equals or not field:
            raise InputError(f"{where}: expected FIELD=VALUE, found {word!r}")
        found.append((field.split("."), yaml_reader.load(value, f"{where} {field}")))
    return found
