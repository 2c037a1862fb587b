"""Files of scores as plain data, so that a test can change one and write it back."""

import json
from pathlib import Path
from typing import Any


def read_record(path: Path) -> dict[str, Any]:
    """The facts, with each seed's `scores` in `seeds`."""
    record: dict[str, Any] = json.loads(path.read_text())
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """A record as `read_record` returns it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
