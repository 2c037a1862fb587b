"""Files of scores from records as plain data, so that a test can change one and write it back."""

from pathlib import Path
from typing import Any

from gfmn.metrics.registry import MODULES, NAMES
from gfmn.metrics.score_file import SCHEMA, write_rows
from gfmn.reporting.score_files import read_table

FIELDS = {name: name for name in SCHEMA.names if name not in ("run", "seed", "score")}
FIELDS["deviation"] = "std"  # column -> a score's field in a record


def read_record(path: Path) -> dict[str, Any]:
    """The facts of a file with each seed's `scores` in `seeds`."""
    rows, record = read_table(path, SCHEMA.names)
    for seed in record["seeds"]:
        own = [row for row in rows if row["seed"] == seed["seed"]]
        seed["scores"] = {
            row["score"]: {field: row[column] for column, field in FIELDS.items()} for row in own
        }
    return record


def write_record(path: Path, record: dict[str, Any]) -> None:
    """A record as `read_record` returns it; a score's name decides its metric's facts."""
    seeds, rows = [], []
    for seed in record.get("seeds", []):
        seeds.append({key: value for key, value in seed.items() if key != "scores"})
        for name, score in seed["scores"].items():
            known = {"std": None, "over": None} | score | facts_of(name)
            cells = {column: known[field] for column, field in FIELDS.items()}
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
