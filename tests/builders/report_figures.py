"""The report of the synthetic study with figures of runs, one of which has no results."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from builders.synthetic_report import REPORT, Report, report_of
from builders.synthetic_study import folder_of, parameters, spaces
from PIL import Image

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.reading import read_study

FOLDER = tempfile.TemporaryDirectory()
FIGURES = {
    "figure2": {
        "title": "Samples",
        "paper": "figure2",
        "kind": "samples",
        "runs": ["vgg16", "absent"],
    },
    "figure5": {
        "title": "Loss by epoch",
        "paper": "figure5",
        "kind": "progress",
        "runs": ["moment_matching", "absent"],
    },
}


def configured(**changes: Any) -> ReportConfig:
    """The synthetic report with these figures, and other changes."""
    return ReportConfig.parse(REPORT | {"figures": FIGURES} | changes, "params.yaml: report")


def sections() -> dict[str, dict[str, Any]]:
    """The study's sections with one more run, `absent`, which has no results."""
    return spaces() | {"runs": parameters() | {"absent": parameters()["vgg16"]}}


@cache
def folder_with_interpolations() -> Path:
    """A finished study whose runs have interpolations; not to be changed."""
    folder = shutil.copytree(folder_of(False), Path(FOLDER.name) / "study")
    tiles = np.random.default_rng(3).integers(0, 256, (8 * 4, 10 * 4, 3), dtype=np.uint8)
    for i, samples in enumerate(sorted(folder.glob("data/samples/*/seed-?.png"))):
        image = np.roll(tiles, 3 * i, 0).repeat(8, 0).repeat(8, 1)
        Image.fromarray(image).save(samples.with_name(f"{samples.stem}-interpolation.png"))
    return folder


@cache
def study_with_figures() -> Report:
    """The report of that study."""
    return report_of(read_study(folder_with_interpolations(), configured(), **sections()))
