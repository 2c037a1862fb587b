"""The figures' common look: two themes, one colour a run, labels at the lines' ends."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from PIL import Image

from gfmn.reporting.results import Study

DPI = 130
WIDTH = 9.6  # inches
SMALL = 7.6  # pt
# Distinct under the common colour-vision deficiencies (after Paul Tol's qualitative schemes).
HUES = ("#0072b2", "#009e73", "#aa3377", "#b8860b", "#4b5f7a", "#56a0d3", "#8c510a")
HEADLINE = "#d1495b"
RAMP = ("#9bb8d3", "#12355b")  # few taps to many


@dataclass(frozen=True)
class Theme:
    """Colours of everything that is not data, and how far data's colours move toward white."""

    paper: str
    ink: str
    muted: str
    rule: str
    lift: float

    def tone(self, colour: str) -> str:
        """A data colour as it stands on this theme's paper."""
        rgb = np.asarray(colors.to_rgb(colour))
        return colors.to_hex(tuple(rgb + (1 - rgb) * self.lift))


LIGHT = Theme(paper="#ffffff", ink="#1f1e1c", muted="#6a665f", rule="#e6e2da", lift=0.0)
DARK = Theme(paper="#1d1d1b", ink="#eceae4", muted="#a5a198", rule="#383632", lift=0.36)


@dataclass(frozen=True)
class Drawing:
    """A figure: `kind` is what it shows, `table` which table or figure of the report it is of.

    Kinds: samples, strip, grids, progress, loss, taps, gaps, nearest, memorised and classes.
    """

    name: str
    kind: str
    table: str | None
    caption: str
    alt: str
    png: bytes


def run_colours(study: Study) -> dict[str, str]:
    """One colour a run, the same in every figure; runs of a number of taps form a ramp."""
    order = list(dict.fromkeys(r for table in study.config.tables.values() for r in table.rows))
    order += [name for name in study.runs if name not in order]
    taps = {name: study.runs[name].parameters.get("taps") for name in order}
    counted = {name: n for name, n in taps.items() if isinstance(n, int)}
    ranks = sorted(set(counted.values()))
    found = {study.config.headline: HEADLINE}
    hues = 0
    for name in order:
        if name in found:
            continue
        if name in counted:
            share = ranks.index(counted[name]) / max(len(ranks) - 1, 1)
            low, high = (np.asarray(colors.to_rgb(end)) for end in RAMP)
            found[name] = colors.to_hex(tuple(low + (high - low) * share))
        else:
            found[name] = HUES[hues % len(HUES)]
            hues += 1
    return found


def new_figure(theme: Theme, width: float, height: float) -> Figure:
    """An empty figure, in inches, on the Agg canvas and on nothing global."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    return figure


def new_axes(figure: Figure, theme: Theme, box: tuple[float, float, float, float]) -> Axes:
    """Axes at left, bottom, width, height in inches: two quiet spines and a faint grid."""
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
    """Text so many points above the axes, at their left edge or at the share `x` of their width."""
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(text, (x, 1), xytext=(0, points), annotation_clip=False, **place, **style)


def legend(
    figure: Figure,
    theme: Theme,
    entries: Sequence[tuple[str, str, str]],
    hollow: Sequence[str] = (),
) -> None:
    """Text, colour and line style or marker of each entry, in one line at the figure's top left."""
    handles = []
    for _, colour, style in entries:
        face = theme.paper if style in hollow else colour
        shape: dict[str, Any] = {"linestyle": "none", "marker": style, "markerfacecolor": face}
        if style in ("-", "--"):
            shape = {"linestyle": style, "linewidth": 1.6}
        handles.append(Line2D([], [], color=colour, markersize=6, **shape))
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
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _plain(value: float) -> str:
    """12,000 as digits, 5e+07 as a reader writes it."""
    if not (value >= 1e6 or 0 < value < 1e-4):
        return f"{value:,.5g}" if value < 1e5 else f"{value:,.0f}"
    digits, power = f"{value:.0e}".split("e")
    raised = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits} × 10{raised}"


def label_ends(axes: Axes, theme: Theme, ends: Sequence[tuple[float, str, str]]) -> None:
    """Name lines at the right edge: y in data units, text, colour; moved apart where they meet."""
    if not ends:
        return
    axes.get_ylim()  # settles the limits, on which the transforms below depend
    gap = SMALL * 1.35 * DPI / 72  # px between two baselines
    order = sorted(ends)
    wanted = [float(axes.transData.transform((0, y))[1]) for y, _, _ in order]
    placed = spread(wanted, gap)
    low, high = axes.bbox.y0, axes.bbox.y1
    near, far, text_at = (1 + px / axes.bbox.width for px in (5, 20, 25))
    for (_, text, colour), start, y in zip(order, wanted, placed, strict=True):
        at, source = (y - low) / (high - low), (start - low) / (high - low)
        axes.plot(
            [near, far],
            [source, at],
            color=theme.tone(colour),
            linewidth=0.8,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(
            text_at,
            at,
            text,
            color=theme.tone(colour),
            fontsize=SMALL,
            va="center",
            transform=axes.transAxes,
        )


def mark_value(axes: Axes, colour: str, x: float, text: str, y: float, *, below: bool) -> None:
    """A short text beside a point, above it or below."""
    axes.annotate(
        text,
        (x, y),
        xytext=(3, -13 if below else 5),
        textcoords="offset points",
        color=colour,
        fontsize=SMALL,
    )


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Positions at least `gap` apart, in the given rising order, close to the wanted ones."""
    groups: list[tuple[float, int]] = []  # centre, members
    for y in wanted:
        groups.append((y, 1))
        while len(groups) > 1:
            (a, m), (b, n) = groups[-2:]
            if b - a >= gap * (m + n) / 2:
                break
            groups[-2:] = [((a * m + b * n) / (m + n), m + n)]
    return [c + gap * (i - (n - 1) / 2) for c, n in groups for i in range(n)]


def to_png(figure: Figure, *, photographs: bool = False) -> bytes:
    """The figure's PNG, the same bytes for the same figure: no version or date inside.

    Without photographs it keeps 128 colours, which lines and text do not miss, at half the size.
    """
    buffer = io.BytesIO()
    figure.savefig(
        buffer, format="png", dpi=DPI, facecolor=figure.get_facecolor(), metadata={"Software": None}
    )
    if photographs:
        return buffer.getvalue()
    picture = Image.open(buffer).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def finite(history: pd.DataFrame) -> pd.DataFrame:
    """The rows whose loss a logarithmic axis can show."""
    usable = np.isfinite(history["loss"]) & (history["loss"] > 0)
    return pd.DataFrame(history.loc[usable])
