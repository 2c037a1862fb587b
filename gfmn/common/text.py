"""Text that a user wrote, in files that other programs show."""

import re
from typing import Any

FORMULA = re.compile(r"[=+@-]")  # begins a cell that a spreadsheet would compute


def markdown(text: str) -> str:
    """One line that has no tag of HTML: `<` and line ends are replaced."""
    return " ".join(text.splitlines()).replace("<", "&lt;")


def csv_cell(value: Any) -> Any:
    """A string on one line that no spreadsheet computes; other values as they are."""
    if not isinstance(value, str):
        return value
    line = " ".join(value.splitlines())
    return f"'{line}" if FORMULA.match(line) else line
