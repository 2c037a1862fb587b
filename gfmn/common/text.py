"""Text that a user wrote, in files that other programs show."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

LOGIN = re.compile(r"(\w://)[^\s/?#@]*@")
QUERY = re.compile(r"(\w://[^\s?'\"]*)\?[^\s'\"]*")
ABSOLUTE = re.compile(r"/|~|\\\\|[A-Za-z]:[/\\]")  # begins such a path
FORMULA = re.compile(r"[=+@-]")  # begins a cell that a spreadsheet would compute


def without_secrets(text: str) -> str:
    """The text without the user info and the queries of its URLs, which may be secrets."""
    return LOGIN.sub(r"\1", QUERY.sub(r"\1", text))


def shareable(value: Any) -> Any:
    """JSON values as colleagues may see them: of an absolute path the last part, and no secrets.

    A mapping that has something left out has the sha256 of the whole in its place.
    """
    if isinstance(value, str):
        path = ABSOLUTE.match(value)
        return without_secrets(re.split(r"[/\\]", value.rstrip("/\\"))[-1] if path else value)
    if isinstance(value, list | tuple):
        return [shareable(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    shared = {key: shareable(one) for key, one in value.items()}
    if any(shared[key] != one for key, one in value.items() if not isinstance(one, Mapping)):
        whole = json.dumps(dict(value), sort_keys=True, default=str)
        shared["digest"] = hashlib.sha256(whole.encode()).hexdigest()
    return shared


def markdown(text: str) -> str:
    """One line that has no tag of HTML: `<` and line ends are replaced."""
    return " ".join(text.splitlines()).replace("<", "&lt;")


def csv_cell(value: Any) -> Any:
    """A string on one line that no spreadsheet computes; other values as they are."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.splitlines())
    return f"'{line}" if FORMULA.match(line) else line
