"""Numbers, parameters, durations and lists as text."""

import math
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import Any


def format_number(value: float, decimals: int) -> str:
    """A number with thousands separated and a true minus sign."""
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def format_difference(value: float, decimals: int) -> str:
    """A number that always has its sign."""
    text = format_number(value, decimals)
    return text if value < 0 else f"+{text}"


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give a column about four significant digits, by its median."""
    sizes = sorted(abs(v) for v in values if math.isfinite(v) and v)
    if not sizes:
        return 1
    return min(max(3 - math.floor(math.log10(sizes[len(sizes) // 2])), 1), 5)


def format_value(value: Any) -> str:
    """A parameter or another value that is no score."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Integral) and not isinstance(value, bool):
        return f"{int(value):,}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as text by dotted names."""
    flat: dict[str, str] = {}
    for key, value in parameters.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = format_value(value)
    return flat


def format_duration(seconds: float) -> str:
    """Seconds as `12.3 s`, `4 min 5 s` or `2 h 3 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def join(items: Iterable[str]) -> str:
    """Distinct items as a list in a sentence: `a, b and c`; empty where there are none."""
    *first, last = dict.fromkeys(items) or {"": None}
    return f"{', '.join(first)} and {last}" if first else last
