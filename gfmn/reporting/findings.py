"""What came out, in sentences made from the tables: each with effect, count, seeds and verdict."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gfmn.reporting.caveats import collapsed
from gfmn.reporting.formatting import decimals_for, format_number, join
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.score_info import DISTANCES
from gfmn.reporting.score_means import ScoreMean, score_means
from gfmn.reporting.tables.convergence import convergence
from gfmn.reporting.tables.orders import AS_IN_THE_PAPER, OrderedPair, ordered_pairs
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
    """At most five: runs that collapsed, the nearest, orders, how far the loss fell, copies."""
    found = [*_collapsed(study), *_nearest(study), *_orders(study, tables), *_training(study)]
    found += _copies(study)
    return found[:MOST]


def _collapsed(study: Study) -> Iterator[Finding]:
    """The runs whose samples are all alike, and how much they differ."""
    found = {name: text for name, run in study.runs.items() if (text := collapsed(run))}
    if found:
        text = "; ".join(f"{name}: {text}" for name, text in found.items())
        yield Finding(f"{join(found)} collapsed. {text}.", "", tuple(found)[:2], "samples")


def _nearest(study: Study) -> Iterator[Finding]:
    """The run with the least distance in the first space, and what real images have there."""
    by_run = {run.name: one for run in study.runs.values() if (one := _distance(study, run))}
    if not by_run:
        return
    key = next(iter(by_run.values()))[0]
    means = {run: mean for run, (name, mean, _) in by_run.items() if name == key}
    best, *others = sorted(means, key=lambda run: means[run].value)
    mean, space = means[best], by_run[best][2]
    text = f"{best} is nearest to the real images: {key} {_value(mean)}"
    dataset = study.runs[best].scores(space)
    real = study.real.get((dataset.dataset, space)) if dataset else None
    if real and key in (others_real := score_means(real)):
        text += f", where other real images have {_value(others_real[key])}"
    if others:
        text += f", and the next run, {others[0]}, {_value(means[others[0]])}"
    scores = _means(study, best, space)
    recall = next((mean for mean in scores.values() if mean.info.kind == "recall"), None)
    if recall:
        text += f". Its recall is {format_number(recall.value, 3)}"
    several = mean.seeds > 1 and (not others or means[others[0]].seeds > 1)
    verdict = "" if several else "one seed"
    section = next(iter(study.config.tables), "samples")
    yield Finding(f"{text}.", verdict, (best, *others[:1]), section)


def _orders(study: Study, tables: Mapping[str, Table]) -> Iterator[Finding]:
    """For each table: its clearest decided pair, and how many others are decided."""
    told: set[tuple[str, str]] = set()
    for name, table in tables.items():
        pairs = [pair for pair in ordered_pairs(study, table) if not pair.flattered]
        pairs = [pair for pair in pairs if pair.space == pairs[0].space]
        decided = [pair for pair in pairs if pair.reason is None]
        counted = [pair for pair in pairs if pair.reason != "one seed"]
        title = study.config.tables[name].title
        if not counted:
            continue
        if not decided:
            runs = tuple(dict.fromkeys(run for pair in counted for run in (pair.run, pair.other)))
            text = f"{title}: {join(runs)} are not told apart by {counted[0].metric}"
            yield Finding(f"{text} ({_seeds(counted[0])}).", "not decided", runs[:2], name)
            continue
        untold = [pair for pair in decided if (pair.better, pair.worse) not in told]
        if not untold:
            continue
        best = max(untold, key=lambda pair: abs(pair.difference or 0))
        told.add((best.better, best.worse))
        text = f"{title}: {_order(best)}"
        if best.in_paper:
            text += f", {'' if best.verdict == AS_IN_THE_PAPER else 'not '}as in the paper"
        if len(counted) > 1:
            text += f". Decided are {len(decided)} of {len(counted)} pairs"
        if left := [pair for pair in counted if pair not in decided]:
            text += f"; not told apart: {join(f'{p.run} from {p.other}' for p in left[:3])}"
        yield Finding(f"{text}.", "decided", (best.better, best.worse), name)


def _order(pair: OrderedPair) -> str:
    ours, others = (
        (pair.values, pair.other_values)
        if pair.better == pair.run
        else (pair.other_values, pair.values)
    )
    means = [sum(values.values()) / len(values) for values in (ours, others)]
    decimals = max(decimals_for(means) - 1, 0)
    effect = format_number(means[1] - means[0], decimals)
    values = " against ".join(format_number(mean, decimals) for mean in means)
    deviations = abs(pair.difference or 0)
    return (
        f"{pair.better} is better than {pair.worse} by {effect} ({pair.metric} {values}, "
        f"{_seeds(pair)}, {deviations:.1f} deviations of the difference)"
    )


def _seeds(pair: OrderedPair) -> str:
    return f"n = {len(pair.values)} seeds each"


def _training(study: Study) -> Iterator[Finding]:
    """How far the loss of the headline, or of the best-falling run, fell."""
    frame = convergence(study)
    if frame.empty:
        return
    worst = frame.groupby("run", sort=False).agg(fall=("fall", "min"), swing=("swing", "max"))
    seeds = frame.groupby("run")["seed"].count()
    best = str(worst["fall"].idxmax())
    text = f"The loss of {best} falls by a factor of {worst['fall'][best]:.3g}"
    text += f" and in its last third rises by at most one of {worst['swing'][best]:.2g}"
    rising = [str(run) for run in worst.index[worst["fall"] < 2]]
    text += f"; that of {join(rising)} falls by less than 2" if rising else ""
    verdict = "" if seeds[best] > 1 else "one seed"
    yield Finding(f"{text}.", verdict, (best, *rising[:1]), "training")


def _copies(study: Study) -> Iterator[Finding]:
    """Whether the headline's samples are nearer to training images than real images are."""
    for name in study.evaluators:
        means = _means(study, study.headline.name, name)
        one = next((m for k, m in means.items() if k.startswith(f"memorised_{name}")), None)
        if one:
            what = "look like copies" if one.value > COPIES else "are no copies"
            text = f"Samples of {study.headline.name} {what}: memorized probability {_value(one)}"
            text += f" in {name} (real images 0.5, copies 1)."
            yield Finding(text, "", (study.headline.name,), "memorization")
            return


def _distance(study: Study, run: RunResult) -> tuple[str, ScoreMean, str] | None:
    """The first Fréchet distance in the first space that scored the run, with that space."""
    for evaluator in study.evaluators:
        for key, mean in _means(study, run.name, evaluator).items():
            if mean.info.kind in DISTANCES:
                return key, mean, evaluator
    return None


def _means(study: Study, run: str, evaluator: str) -> Mapping[str, ScoreMean]:
    scores = study.runs[run].scores(evaluator)
    return score_means(scores) if scores else {}


def _value(mean: ScoreMean) -> str:
    decimals = mean.info.decimals
    decimals = max(decimals_for([mean.value]) - 1, 0) if decimals is None else decimals
    text = format_number(mean.value, decimals)
    return f"{text} ± {format_number(mean.std or 0, decimals)}" if mean.seeds > 1 else text
