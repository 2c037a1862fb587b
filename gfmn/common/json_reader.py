"""JSON that anyone may have written: bounded in size and depth before a value is built."""

import json
import math
import re
from pathlib import Path
from typing import Any

from gfmn.common.errors import InputError
from gfmn.common.regular_files import one_line, read_bytes

MAX_BYTES = 32 << 20  # more than any description here; values take up to 20 times the memory
MAX_DEPTH = 50  # objects and lists within one another
# A string, which may lack its end, or a bracket.
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+["\\]?|[\[{]|[\]}]', re.DOTALL)


def loads(content: str | bytes) -> Any:
    """The value of a JSON text; `ValueError`, in one line, for anything else.

    Also for one of more than `MAX_BYTES` or `MAX_DEPTH`, for text that no file can hold, a number
    that is not finite, and a key that an object has twice.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    text = content if isinstance(content, str) else content.decode()
    depth = 0
    for token in TOKENS.finditer(text):
        first = text[token.start()]
        depth += (first in "[{") - (first in "]}")
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} levels")
    value = json.loads(
        text, parse_constant=_finite, parse_float=_finite, object_pairs_hook=_distinct
    )
    if "\\ud" in text.lower():  # half a character could not be printed or written
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.20}, which is not finite")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r:.60} twice")
    return value


def read(path: Path, expected: str = "JSON") -> dict[str, Any]:
    """The object in a JSON file; `InputError`, which names what was `expected`, for any other."""
    try:
        value = loads(read_bytes(path, MAX_BYTES))
    except FileNotFoundError:
        raise InputError(f"{path}: expected {expected}, found no file") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected {expected}, found {one_line(error)}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, found {value!r:.60}")
    return value
