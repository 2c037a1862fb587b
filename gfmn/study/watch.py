"""What a training's history says of it while it trains: how far it is, and what goes wrong.

The gap is how far features' means and deviations are from the real ones, in real deviations: about
1 for a generator of gray images, 0 for real ones. A baseline has no gap. Its diversity is how much
its samples differ from one another as a share of how much the real images do: 1 as they do.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

FEWEST = 20  # rows from which on a history is judged
SHARE = 20  # of the rows there are, one in so many is averaged, against the noise of minibatches
GAIN = 0.01  # by which the average must fall in the last third of the rows
SWING = 1.3  # times its least by which the average may rise
COLLAPSE = 3.0  # real deviations from which on nothing was learned
ALIKE = 0.1  # share of the real images' difference below which samples are all alike
LOST = 0.5  # share of the greatest diversity below which some was lost again


class Row(NamedTuple):
    """A row of a history."""

    step: int
    loss: float
    gap: float


class Warning(NamedTuple):
    """What goes wrong, since which step."""

    kind: Literal["stalls", "swings", "collapses"]
    step: int
    text: str


def read_history(path: Path) -> list[tuple[int, dict[str, float]]]:
    """Step and numbers of every whole row of a history, which may be growing."""
    header, *lines = path.read_text().splitlines(keepends=True) or [""]
    names, found = header.split(), []
    for line in lines:
        values = line.split()
        if line.endswith("\n") and len(values) == len(names):
            numbers = dict(zip(names, map(float, values), strict=True))
            found.append((int(numbers.pop("step")), numbers))
    return found


def read_rows(path: Path) -> list[Row]:
    """Those of a history with gaps, none of an older one or where there is no file yet."""
    rows = read_history(path) if path.is_file() else []
    return [Row(step, one["loss"], one["gap"]) for step, one in rows if "gap" in one]


class Judgment(NamedTuple):
    """What a history says: of which number, its last value, its trend and what goes wrong."""

    subject: Literal["gap", "diversity"]
    latest: float | None  # None: without rows, or of an older history
    trend: str
    warnings: list[Warning]


def judge(path: Path) -> Judgment:
    """Judge a run's history by its gap, a baseline's by its diversity."""
    rows = read_history(path) if path.is_file() else []
    players = [
        (step, one["diversity"], (one["loss"], one["critic"]))
        for step, one in rows
        if "diversity" in one
    ]
    if players:
        return Judgment("diversity", players[-1][1], "", player_warnings(players))
    judged = read_rows(path)
    latest = judged[-1].gap if judged else None
    return Judgment("gap", latest, trend(judged), warnings(judged))


def player_warnings(rows: Sequence[tuple[int, float, tuple[float, float]]]) -> list[Warning]:
    """What step, diversity and both players' losses so far warn of."""
    for step, diversity, losses in rows:
        if not all(map(math.isfinite, (diversity, *losses))):
            return [Warning("collapses", step, f"not finite at step {step:,}")]
    if len(rows) < FEWEST:
        return []
    width = max(3, len(rows) // SHARE)
    average = [math.fsum(part) / len(part) for part in _parts([row[1] for row in rows], width)]
    step, greatest = rows[-1][0], max(average)
    if average[-1] < ALIKE:
        text = f"at {average[-1]:.2g} after step {step:,}: all samples are alike"
        return [Warning("collapses", step, text)]
    if average[-1] < LOST * greatest:
        return [Warning("swings", step, f"{greatest:.2g} before, {average[-1]:.2g} now")]
    return []


def averages(rows: Sequence[Row]) -> list[float]:
    """The gap at each row, averaged over it and those before it."""
    width = max(3, len(rows) // SHARE)
    gaps = [row.gap for row in rows]
    return [math.fsum(part) / len(part) for part in _parts(gaps, width)]


def _parts(values: Sequence[float], width: int) -> list[Sequence[float]]:
    return [values[max(0, end - width) : end] for end in range(1, len(values) + 1)]


def trend(rows: Sequence[Row]) -> str:
    """`falling`, `level` or `rising`: the gap's average now against that of a while ago."""
    if len(rows) < 4:
        return ""
    average = averages(rows)
    before, now = average[-1 - max(3, len(rows) // 10)], average[-1]
    if not math.isfinite(now) or now > (1 + GAIN) * before:
        return "rising"
    return "falling" if now < (1 - GAIN) * before else "level"


def warnings(rows: Sequence[Row]) -> list[Warning]:
    """What the rows so far warn of, the worst first."""
    for row in rows:
        if not (math.isfinite(row.gap) and math.isfinite(row.loss)):
            return [Warning("collapses", row.step, f"not finite at step {row.step:,}")]
    if len(rows) < FEWEST:
        return []
    average = averages(rows)
    found = [_collapse(rows, average), _swing(rows, average), _stall(rows, average)]
    return [warning for warning in found if warning]


def _collapse(rows: Sequence[Row], average: Sequence[float]) -> Warning | None:
    if average[-1] <= COLLAPSE:
        return None
    text = f"at {average[-1]:.3g} after step {rows[-1].step:,}: nothing was learned"
    return Warning("collapses", rows[-1].step, text)


def _swing(rows: Sequence[Row], average: Sequence[float]) -> Warning | None:
    """The first rise; what is before `FEWEST` rows is the beginning."""
    least, place = average[0], 0
    for i, value in enumerate(average):
        if value < least:
            least, place = value, i
        elif i >= FEWEST and value > SWING * least:
            ends = f"{least:.3g} at step {rows[place].step:,}, {value:.3g} at step"
            return Warning("swings", rows[i].step, f"{ends} {rows[i].step:,}")
    return None


def _stall(rows: Sequence[Row], average: Sequence[float]) -> Warning | None:
    start = len(rows) - len(rows) // 3
    before = min(average[:start])
    if min(average[start:]) < (1 - GAIN) * before:
        return None
    text = f"not below {before:.3g} since step {rows[start].step:,}"
    return Warning("stalls", rows[start].step, text)
