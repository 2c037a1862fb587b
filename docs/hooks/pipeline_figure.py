"""The figure of the pipeline, from dvc.yaml: `python docs/hooks/pipeline_figure.py`.

A box has the stages that write one folder of data/, an arrow says that a stage of one reads what a
stage of the other wrote. Only where they stand is said here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FIGURE = ROOT / "docs/pipeline.svg"
WIDTH, HEIGHT, BOX = 760, 752, 220
ACROSS = 660  # the width of a bar
FROZEN, REAL, GENERATED, SCORED, PLAIN = "#ece7f6", "#e1eefb", "#fdebd3", "#e2f3e4", "#f2f2f2"
BOXES = {  # folder: (what is in it, color, left, top)
    "prepared": ("real images", REAL, 270, 96),
    "extractors": ("frozen networks to match in", FROZEN, 50, 200),
    "evaluators": ("frozen networks to score in", FROZEN, 490, 220),
    "stats": ("what is left of the real images", REAL, 50, 366),
    "reference": ("features of real images", REAL, 490, 366),
    "models": ("a generator for each seed", GENERATED, 50, 472),
    "samples": ("generated images", GENERATED, 50, 578),
    "scores": ("distances, precision, recall, ...", SCORED, 490, 568),
}
BARS = {  # a stage that all others need, and one that reads what all others wrote
    "check-params": ("data/parameters", "params.yaml, checked; every stage needs it", 12),
    "report": ("reports", "the page, tables and figures, from all of the above", 676),
}
ROUTES = {  # (written, read by the stages of): an arrow's path
    ("prepared", "extractors"): "M310 160 V180 H160 V200",
    ("prepared", "stats"): "M380 160 V398 H270",
    ("prepared", "reference"): "M380 160 V398 H490",
    ("prepared", "scores"): "M380 160 V590 H490",
    ("extractors", "evaluators"): "M270 262 H490",
    ("extractors", "stats"): "M160 324 V366",
    ("prepared", "models"): "M345 160 V488 H270",
    ("extractors", "models"): "M50 290 H28 V504 H50",
    ("evaluators", "reference"): "M600 304 V366",
    ("evaluators", "scores"): "M710 262 H732 V610 H710",
    ("reference", "scores"): "M600 430 V568",
    ("stats", "models"): "M160 430 V472",
    ("models", "samples"): "M160 556 V578",
    ("models", "scores"): "M270 504 H540 V568",
    ("samples", "scores"): "M270 622 H490",
}


def stages() -> dict[str, dict[str, Any]]:
    """Every stage of dvc.yaml, by name."""
    text = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    return {name: stage.get("do", stage) for name, stage in text["stages"].items()}


def groups() -> dict[str, list[str]]:
    """The stages that write each folder of data/ first."""
    found: dict[str, list[str]] = {}
    for name, stage in stages().items():
        if name not in BARS:
            found.setdefault(_folder(stage["outs"][0]), []).append(name)
    return found


def arrows() -> set[tuple[str, str]]:
    """Which folder's stages read which other folder."""
    found = set()
    for folder, names in groups().items():
        read = {_folder(path) for name in names for path in stages()[name]["deps"]}
        found |= {(other, folder) for other in read & BOXES.keys() if other != folder}
    return found


def figure() -> str:
    """The SVG; a stage or an arrow that has no place here is an error."""
    if wrong := {*groups(), *arrows()} ^ {*BOXES, *ROUTES}:
        raise SystemExit(f"{__file__}: expected what dvc.yaml has, found a difference: {wrong}")
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'font-family="system-ui, sans-serif" font-size="15" text-anchor="middle">'
    )
    yield "<title>The stages of the pipeline, and the folders of data that they exchange</title>"
    yield (
        '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 Z" fill="#555"/></marker></defs>'
    )
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>'
    for path in ROUTES.values():
        yield f'<path d="{path}" fill="none" stroke="#555" marker-end="url(#end)"/>'
    for folder, (caption, color, left, top) in BOXES.items():
        yield from _box(groups()[folder], f"data/{folder}", caption, color, left, top, BOX)
    for name, (folder, caption, top) in BARS.items():
        yield from _box([name], folder, caption, PLAIN, 50, top, ACROSS)
    yield "</svg>"


def _box(
    names: list[str], folder: str, caption: str, color: str, left: int, top: int, width: int
) -> Iterator[str]:
    """Names of stages, the folder that they write, and what is in it."""
    height, center = 20 * len(names) + 44, left + width // 2
    yield f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{color}"/>'
    for i, name in enumerate(names):
        yield f'<text x="{center}" y="{top + 22 + 20 * i}" font-weight="600">{name}</text>'
    below, style = top + 20 * len(names), 'font-family="monospace" font-size="13"'
    yield f'<text x="{center}" y="{below + 19}" {style}>{folder}</text>'
    yield f'<text x="{center}" y="{below + 36}" font-size="12.5" fill="#444">{caption}</text>'


def _folder(path: str | dict[str, Any]) -> str:
    """The folder of data/ that a path of dvc.yaml is in."""
    text = path if isinstance(path, str) else next(iter(path))
    return text.split("/")[1] if text.startswith("data/") else ""


if __name__ == "__main__":
    FIGURE.write_text(figure())
