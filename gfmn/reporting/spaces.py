"""Feature spaces in a table: which evaluators scored its runs, and which columns are theirs."""

from dataclasses import dataclass

from gfmn.reporting import names
from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.summary import summaries, ways


@dataclass(frozen=True)
class Space:
    """One evaluator in a table: which columns are its scores, and what scored them."""

    evaluator: str
    suffix: str  # of its columns of counts; none for the table's main space
    keys: tuple[str, ...]
    how: dict[str, str]  # of scores without a deviation of their own: how they were made
    canonical: bool
    in_domain: bool
    resizer: str
    sampling: tuple[str, ...]  # seed and batch norm of the samples, where not all are the same


def find_spaces(study: Study, runs: list[RunResult]) -> tuple[Space, ...]:
    """Evaluators in the study's order: those that scored a run, then those with real data only."""
    wanted = {one.evaluator for run in runs for one in run.evaluations}
    datasets = {one.dataset for run in runs for one in run.evaluations}
    found: list[tuple[str, list[RunScores], list[Scores]]] = []
    for evaluator in study.evaluators:
        mine = [scores for run in runs if (scores := run.scores(evaluator))]
        real = [s for pair, s in study.real.items() if pair[0] in datasets and pair[1] == evaluator]
        if evaluator in wanted and (mine or real):
            found.append((evaluator, mine, [*mine, *real]))
    found.sort(key=lambda space: not space[1])
    spaces: list[Space] = []
    for evaluator, mine, every in found:
        summed = [summaries(scores) for scores in every]
        taken = {key for space in spaces for key in space.keys}  # as of pixels, in every space
        keys = {key for row in summed for key in row} - taken
        how = ways(summed)
        drawn = dict.fromkeys((s.sampling.seed, s.sampling.batchnorm) for s in mine)
        spaces.append(
            Space(
                evaluator=evaluator,
                suffix=f"_{evaluator}" if spaces else "",
                keys=tuple(names.ordered(keys)),
                how={key: how[key] for key in names.ordered(keys) if key in how},
                canonical=every[0].canonical,
                in_domain=every[0].in_domain,
                resizer=every[0].resizer,
                sampling=tuple(f"seed {seed}, batch norm {mode}" for seed, mode in drawn),
            )
        )
    return tuple(spaces)
