"""What the figures share: a drawing with its caption, axes, legends, labels at lines' ends."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

from gfmn.reporting.figures.sections import Section
from gfmn.reporting.figures.theme import Theme

DPI = 130
WIDTH = 9.6  # inches
SMALL = 7.6  # pt


@dataclass(frozen=True)
class Drawing:
    """A drawn figure: `name` is its file's, without `.png`."""

    name: str
    caption: str
    alt: str  # for readers who do not see it
    png: bytes
    section: Section | None  # of the page; None for a file that the page does not show
    run: str | None = None  # the one run that it is of
    has_images: bool = False  # samples or data, not lines and text alone


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """An empty figure, in inches, on the Agg canvas and on nothing global."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def new_axes(figure: Figure, theme: Theme, box: tuple[float, float, float, float]) -> Axes:
    """Axes at left, bottom, width, height in inches: a bottom spine and a faint grid."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height))
    axes.set_facecolor(theme.paper)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(theme.muted)
    axes.tick_params(colors=theme.muted, labelsize=SMALL, length=0, which="both", pad=5)
    axes.tick_params(axis="x", length=3, which="major")
    axes.grid(axis="y", color=theme.rule, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    return axes


def heading(axes: Axes, theme: Theme, title: str, detail: str = "") -> None:
    """A title at the axes' left edge, and below it what is measured."""
    above_axes(axes, title, 24, color=theme.ink, fontsize=10, weight="bold")
    above_axes(axes, detail, 11, color=theme.muted, fontsize=SMALL)


def above_axes(axes: Axes, text: str, points: float, x: float = 0, **style: Any) -> None:
    """Text some points above the axes, at the fraction `x` of their width."""
    units: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(text, (x, 1), xytext=(0, points), annotation_clip=False, **units, **style)


def legend(
    figure: Figure,
    theme: Theme,
    entries: Sequence[tuple[str, str, str]],
    hollow: Sequence[str] = (),
) -> None:
    """Text, color and line style or marker of each entry, in one line at the figure's top left."""
    handles = []
    for _, color, style in entries:
        face = theme.paper if style in hollow else color
        shape: dict[str, Any] = {"linestyle": "none", "marker": style, "markerfacecolor": face}
        if style in ("-", "--"):
            shape = {"linestyle": style, "linewidth": 1.6}
        handles.append(Line2D([], [], color=color, markersize=6, **shape))
    figure.legend(
        handles,
        [text for text, _, _ in entries],
        loc="upper left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(entries),
        frameon=False,
        fontsize=SMALL,
        labelcolor=theme.ink,
        handletextpad=0.6,
        columnspacing=2.0,
    )


def log_scale(axes: Axes) -> None:
    """A logarithmic y axis with plain numbers."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _format_tick(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _format_tick(value: float) -> str:
    """`12,000` as digits, 5e+07 as `5 × 10⁷`."""
    if not (value >= 1e6 or 0 < value < 1e-4):
        return f"{value:,.5g}" if value < 1e5 else f"{value:,.0f}"
    digits, power = f"{value:.0e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def label_ends(axes: Axes, theme: Theme, ends: Sequence[tuple[float, str, str]]) -> None:
    """Name lines at the right edge: y in data units, text, color; moved apart where they meet."""
    if not ends:
        return
    axes.get_ylim()  # settles the limits, on which the transforms below depend
    gap = SMALL * 1.35 * DPI / 72  # px between two baselines
    ends = sorted(ends)
    wanted = [float(axes.transData.transform((0, y))[1]) for y, _, _ in ends]
    spaced = space_apart(wanted, gap)
    low, high = axes.bbox.y0, axes.bbox.y1
    near, far, text_x = (1 + px / axes.bbox.width for px in (5, 20, 25))
    for (_, text, color), start, end in zip(ends, wanted, spaced, strict=True):
        target, source = (end - low) / (high - low), (start - low) / (high - low)
        axes.plot(
            [near, far],
            [source, target],
            color=theme.tone(color),
            linewidth=0.8,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(
            text_x,
            target,
            text,
            color=theme.tone(color),
            fontsize=SMALL,
            va="center",
            transform=axes.transAxes,
        )


def mark_value(axes: Axes, color: str, x: float, text: str, y: float, *, below: bool) -> None:
    """A short text next to a point, above it or below."""
    axes.annotate(
        text,
        (x, y),
        xytext=(3, -13 if below else 5),
        textcoords="offset points",
        color=color,
        fontsize=SMALL,
    )


def space_apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Positions at least `gap` apart, in the given rising order, close to the wanted ones."""
    groups: list[tuple[float, int]] = []  # center, members
    for y in wanted:
        groups.append((y, 1))
        while len(groups) > 1:
            (a, m), (b, n) = groups[-2:]
            if b - a >= gap * (m + n) / 2:
                break
            groups[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return [c + gap * (i - (n - 1) / 2) for c, n in groups for i in range(n)]


def to_png(figure: Figure, *, has_images: bool = False) -> bytes:
    """The figure's PNG, the same bytes for the same figure: no version or date inside.

    Without images in it 128 colors are enough for lines and text, at half the size.
    """
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=DPI, facecolor=figure.get_facecolor(), metadata={"Software": None}
    )
    if has_images:
        return buffer.getvalue()
    image = Image.open(buffer).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def positive_losses(history: pd.DataFrame) -> pd.DataFrame:
    """The rows whose loss a logarithmic axis can show."""
    usable = np.isfinite(history["loss"]) & (history["loss"] > 0)
    return pd.DataFrame(history.loc[usable])
