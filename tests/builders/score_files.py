"""Files of scores from records as plain data, so that a test can change one and write it back."""

import re
from pathlib import Path
from typing import Any

from gfmn.metrics.registry import MODULES, NAMES
from gfmn.metrics.score_file import SCHEMA, write_rows
from gfmn.reporting.score_files import COLUMNS, read_record
from gfmn.reporting.score_info import ScoreInfo

__all__ = ["read_record", "write_record"]


def write_record(path: Path, record: dict[str, Any]) -> None:
    """A record as `read_record` returns it; a score's name decides its metric's facts."""
    seeds, rows = [], []
    for seed in record.get("seeds", []):
        seeds.append({key: value for key, value in seed.items() if key != "scores"})
        for name, score in seed["scores"].items():
            known = {"std": None, "over": None} | score | facts_of(name)
            cells = {column: known[field] for column, field in COLUMNS.items()}
            rows.append({"run": record.get("run"), "seed": seed["seed"], "score": name, **cells})
    facts = {key: value for key, value in record.items() if key != "seeds"}
    write_rows(path, {**facts, "seeds": seeds}, rows)


def facts_of(name: str) -> dict[str, Any]:
    """The metric's facts of a score by its name, such as `fd_lite2_5k`."""
    size = name.rpartition("_")[2]
    count = None if size == "inf" else int(size.replace("k", "000"))
    for metric in (metric for module in MODULES for metric in module.METRICS):
        for kind, title in filter(None, ((metric.name, metric.title), metric.inception)):
            pixel = name.startswith("memorised_pixel") == (title == "Memorized, pixels")
            limit = (count is None) == title.endswith("∞")
            if name.startswith(f"{kind}_") and pixel and limit:
                return {
                    **{"kind": kind, "title": title, "count": count},
                    **{"direction": metric.direction, "decimals": metric.decimals},
                    **{"main": metric.main, "order": NAMES.index(metric.name)},
                }
    raise KeyError(name)


assert set(SCHEMA.names) == {"run", "seed", "score", *COLUMNS}


def info_by_name(name: str) -> ScoreInfo:
    """How a score of that name is shown; nothing is known of a metric that is not registered."""
    try:
        return ScoreInfo(**facts_of(name))
    except KeyError:
        count = re.search(r"_(\d+)(k?)$", name)
        number = int(count[1]) * (1000 if count[2] else 1) if count else None
        return ScoreInfo("", number, name, None, None, False, len(NAMES))
