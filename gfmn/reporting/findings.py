"""What came out, in sentences made from the tables: each with effect, count, seeds and verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gfmn.reporting.caveats import MARK, caveats, collapsed
from gfmn.reporting.figures.memorization import memorized_score
from gfmn.reporting.formatting import decimals_for, format_number, join
from gfmn.reporting.records import DISTANCES
from gfmn.reporting.results import Study
from gfmn.reporting.tables.frames import convergence
from gfmn.reporting.tables.orders import better_and_worse, orders_frame
from gfmn.reporting.tables.table import Table

MOST = 5  # findings
COPIES = 0.75  # memorized probability, from which on samples are called copies


@dataclass(frozen=True)
class Finding:
    """A sentence, how sure it is, the runs whose samples show it, and the section that has more."""

    text: str
    verdict: str  # decided, not decided, one seed, or empty where nothing is compared
    runs: tuple[str, ...]
    section: str


def find(study: Study, tables: Mapping[str, Table]) -> list[Finding]:
    """At most five: runs that diverged, that collapsed, the nearest, orders, how far the loss fell,
    copies."""
    found = [*_diverged(study), *_collapsed(study), *_nearest(study), *_orders(study, tables)]
    found += [*_training(study), *_copies(study)]
    return found[:MOST]


def _diverged(study: Study) -> Iterator[Finding]:
    """The runs with seeds that diverged, which no score counts."""
    lost = {name: run.diverged for name, run in study.runs.items() if run.diverged}
    if lost:
        text = "; ".join(
            f"{name}: seed {seed} of {len(study.runs[name].seeds)} at step {step:,}"
            for name, steps in lost.items()
            for seed, step in steps.items()
        )
        yield Finding(f"{join(lost)} diverged, which no score counts. {text}.", "", (), "training")


def _collapsed(study: Study) -> Iterator[Finding]:
    """The runs whose samples are all alike, and how much they differ."""
    found = {name: text for name, run in study.runs.items() if (text := collapsed(run))}
    if found:
        text = "; ".join(f"{name}: {text}" for name, text in found.items())
        yield Finding(f"{join(found)} collapsed. {text}.", "", tuple(found)[:2], "samples")


def _nearest(study: Study) -> Iterator[Finding]:
    """The run with the least distance in the first space, and what real images have there."""
    rows = []
    for result in study.runs.values():
        files = [one for name in study.evaluators if (one := result.scores(name))]
        found = [(file, file.means[file.means["kind"].isin(DISTANCES)]) for file in files]
        rows += [(result.name, file, means.iloc[0]) for file, means in found if len(means)][:1]
    if not rows:
        return
    key = str(rows[0][2].name)
    best, *others = sorted(
        (row for row in rows if str(row[2].name) == key), key=lambda r: r[2]["value"]
    )
    run, scores, mean = best
    title = f"{run} is nearest to the real images" if others else run
    text = f"{title}: {key} {_value(mean)}"
    real = study.real.get((scores.dataset, scores.evaluator))
    if real and key in real.means.index:
        text += f", where other real images have {_value(real.means.loc[[key]].iloc[0])}"
    if others:
        text += f", and the next run, {others[0][0]}, {_value(others[0][2])}"
    recall = scores.means.loc[scores.means["kind"] == "recall", "value"]
    if len(recall):
        text += f". Its recall is {format_number(recall.iloc[0], 3)}"
    if any(MARK not in caveat for caveat in caveats(study.runs[run])):
        text += "; some of its numbers are of too few images, which its page names"
    several = all(row[2]["seeds"] > 1 for row in (best, *others[:1]))
    section = next(iter(study.config.tables), "samples")
    runs = tuple(row[0] for row in (best, *others[:1]))
    yield Finding(f"{text}.", "" if several else "one seed", runs, section)


def _orders(study: Study, tables: Mapping[str, Table]) -> Iterator[Finding]:
    """For each table: its clearest decided pair, and how many others are decided."""
    told: set[tuple[str, str]] = set()
    for name, table in tables.items():
        pairs = orders_frame(study, {name: table})
        pairs = pairs[pairs["flattered"].isna()]
        pairs = pairs[pairs["space"].isin(pairs["space"].head(1))]
        counted = pairs[pairs["reason"].fillna("") != "one seed"]
        title = study.config.tables[name].title
        if not len(counted):
            continue
        decided = counted[counted["reason"].isna()]
        if not len(decided):
            first = counted.iloc[0]
            runs = list(dict.fromkeys(counted[["run", "other"]].to_numpy().ravel()))
            text = f"{title}: {join(runs)} are not told apart by {first['metric']}"
            seeds = f"n = {first['n']} seeds each"
            yield Finding(f"{text} ({seeds}).", "not decided", tuple(runs[:2]), name)
            continue
        new = decided[[better_and_worse(pair) not in told for _, pair in decided.iterrows()]]
        if not len(new):
            continue
        pair = new.iloc[int(new["difference_in_deviations"].abs().argmax())]
        told.add(better_and_worse(pair))
        text = f"{title}: {_order(pair)}"
        if pd.notna(pair["better_in_paper"]):
            text += (
                ", not as in the paper" if pair["verdict"] == "reversed" else ", as in the paper"
            )
        if len(counted) > 1:
            text += f". Decided are {len(decided)} of {len(counted)} pairs"
        left = counted[counted["reason"].notna()].head(3)
        if len(left):
            text += f"; not told apart: {join(left['run'] + ' from ' + left['other'])}"
        yield Finding(f"{text}.", "decided", better_and_worse(pair), name)


def _order(pair: "pd.Series[Any]") -> str:
    better, worse = better_and_worse(pair)
    means = sorted((pair["mean"], pair["other_mean"]))
    decimals = max(decimals_for(means) - 1, 0)
    values = " against ".join(format_number(mean, decimals) for mean in means)
    return (
        f"{better} is better than {worse} by {format_number(means[1] - means[0], decimals)} "
        f"({pair['metric']} {values}, n = {pair['n']} seeds each, "
        f"{abs(pair['difference_in_deviations']):.1f} deviations of the difference)"
    )


def _training(study: Study) -> Iterator[Finding]:
    """How far the loss of the best-falling run fell, by its worst seed."""
    groups = convergence(study).groupby("run", sort=False)
    worst = groups.agg(fall=("fall", "min"), swing=("swing", "max"), seeds=("seed", "count"))
    if worst.empty:
        return
    best = str(worst["fall"].idxmax())
    text = f"The loss of {best} falls by a factor of {worst['fall'][best]:.3g}"
    text += f" and in its last third rises by at most one of {worst['swing'][best]:.2g}"
    rising = [str(run) for run in worst.index[worst["fall"] < 2]]
    text += f"; that of {join(rising)} falls by less than 2" if rising else ""
    verdict = "" if worst["seeds"][best] > 1 else "one seed"
    yield Finding(f"{text}.", verdict, (best, *rising[:1]), "training")


def _copies(study: Study) -> Iterator[Finding]:
    """Whether the headline's samples are nearer to training images than real images are."""
    run = study.headline
    for name in study.evaluators:
        scores = run.scores(name)
        one = memorized_score(scores, "feature") if scores else None
        if one is not None:
            what = "look like copies" if one["value"] > COPIES else "are no copies"
            text = f"Samples of {run.name} {what}: memorized probability {_value(one)}"
            text += f" in {name} (real images 0.5, copies 1)."
            yield Finding(text, "", (run.name,), "memorization")
            return


def _value(mean: "pd.Series[Any]") -> str:
    decimals = mean["decimals"]
    decimals = max(decimals_for([mean["value"]]) - 1, 0) if pd.isna(decimals) else int(decimals)
    text = format_number(mean["value"], decimals)
    std = 0 if pd.isna(mean["std"]) else mean["std"]
    return f"{text} ± {format_number(std, decimals)}" if mean["seeds"] > 1 else text
