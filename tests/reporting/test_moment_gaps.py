"""The figure of moment gaps: its texts do not overlap, whatever the number of taps and runs."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.figures import moment_gaps
from gfmn.reporting.figures.theme import LIGHT
from gfmn.reporting.records import TrainedModel
from gfmn.reporting.results import RunResult, SeedResult, Study
from gfmn.reporting.tables.table import make_table

VGG = [
    f"relu{stage}_{i}"
    for stage, count in enumerate((2, 2, 4, 4, 4), start=1)
    for i in range(1, count + 1)
]
RESNET = ["stem", *(f"block{s}_{i}{half}" for s in range(1, 5) for i in (1, 2) for half in "ab")]
LITE = [f"block{i:02}_{part}" for i in range(16) for part in ("expand", "depthwise", "output")]
BOTH = [f"vgg19.{tap}" for tap in VGG] + [f"resnet18.{tap}" for tap in RESNET]


def trained(name: str, extractor: str, taps: list[str]) -> RunResult:
    gaps = np.random.default_rng(len(name)).uniform(0.1, 0.7, (len(taps), 2))
    model = {
        **{"run": name, "parameters": {}, "features": 1, "generator_parameters": 1},
        **{"statistics": {}, "taps": [{"name": tap, "shape": [1]} for tap in taps]},
        "gaps": [
            {"tap": tap, "mean_gap": float(mean), "std_gap": float(std)}
            for tap, (mean, std) in zip(taps, gaps, strict=True)
        ],
    }
    seed = SeedResult(0, TrainedModel.parse(model, name), None, (), None)
    return RunResult(name, {"extractor": extractor}, (seed,), ())


def drawn(runs: list[RunResult], monkeypatch: pytest.MonkeyPatch) -> Figure:
    figures: list[Figure] = []

    def keep(figure: Figure, **options: Any) -> bytes:
        figures.append(figure)
        return b""

    monkeypatch.setattr(moment_gaps, "to_png", keep)
    table = {"title": "t", "rows": {run.name: {} for run in runs}}
    config = ReportConfig.parse({"tables": {"t": table}}, "report")
    study = Study(Path(), config, {run.name: run for run in runs}, (), {}, {}, {}, {})
    list(moment_gaps.draw(study, {"t": make_table(study, config.tables["t"])}, LIGHT))
    (figure,) = figures
    return figure


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is shown, with its box in px."""
    figure.canvas.draw()
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    return [(text.get_text(), text.get_window_extent()) for text in found]


@pytest.mark.parametrize(
    "runs",
    [
        [trained("one", "e", ["relu1"])],
        [trained("two", "e", ["relu1", "relu2"])],
        [trained("six", "e", [f"block{i:02}_depthwise" for i in range(6)])],
        [trained(f"long_name_of_a_run_no_{n}", "vgg19", VGG[:n]) for n in range(5, 17)],
        [trained(f"both{'_' * i}", "both", BOTH) for i in range(3)],
        [
            trained("encoder", "encoder", ["down1", "extra1", "extra2", "down2", "down3"]),
            trained("vgg16", "vgg16", VGG[:13]),
            trained("moment_matching", "vgg16", VGG[:13]),
            trained("all", "vgg16_lite0", [f"vgg16.{t}" for t in VGG] + [f"l.{t}" for t in LITE]),
        ],
    ],
    ids=lambda runs: f"{len(runs)}-runs-{len(runs[-1].model.gaps)}-taps",
)
def test_no_texts_overlap_and_none_is_cut(
    runs: list[RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = drawn(runs, monkeypatch)
    boxes = texts(figure)
    overlapping = [(a, b) for (a, x), (b, y) in combinations(boxes, 2) if x.overlaps(y)]
    assert not overlapping
    outer = figure.bbox
    cut = [text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > outer.x1]
    assert not cut
    shown = {text for text, _ in boxes}
    assert len(shown & {run.name for run in runs}) == len(runs) or "long" in runs[0].name


def test_every_tap_of_a_panel_with_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = [text for text, _ in texts(drawn([trained("both", "x", BOTH)], monkeypatch))]
    for tap in BOTH:
        name = tap.rpartition(".")[2].removeprefix("block")
        assert shown.count(name) == 2  # left and right
    assert shown.count("vgg19") == shown.count("resnet18") == 2


def test_runs_of_one_color_have_different_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [trained(f"r{i}", "e", ["a", "b"]) for i in range(12)]
    lines = drawn(runs, monkeypatch).axes[0].get_lines()
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 12
