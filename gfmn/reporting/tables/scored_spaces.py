"""The feature spaces in which a table's runs are scored, and the score columns of each."""

from dataclasses import dataclass

from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.score_info import ScoreInfo, ordered
from gfmn.reporting.score_means import score_means, score_methods


@dataclass(frozen=True)
class ScoredSpace:
    """One evaluator's feature space in a table."""

    evaluator: str
    architecture: str
    suffix: str  # ends the names of its columns of counts; empty for the table's main space
    scores: dict[str, ScoreInfo]  # its score columns, in order
    methods: dict[str, str]  # how scores without a deviation of their own were computed
    canonical: bool  # FID's own Inception
    in_domain: bool
    resizer: str
    sampling: tuple[str, ...]  # seed and batch norm of the samples; several where runs differ


def scored_spaces(study: Study, runs: list[RunResult]) -> tuple[ScoredSpace, ...]:
    """The spaces in the study's order: those that scored a run, then those of real data alone."""
    evaluations = [evaluation for run in runs for evaluation in run.evaluations]
    wanted = {evaluation.evaluator for evaluation in evaluations}
    datasets = {evaluation.dataset for evaluation in evaluations}
    candidates: list[tuple[list[RunScores], list[Scores]]] = []
    for evaluator in study.evaluators:
        of_runs = [scores for run in runs if (scores := run.scores(evaluator))]
        real = [s for pair, s in study.real.items() if pair[0] in datasets and pair[1] == evaluator]
        if evaluator in wanted and (of_runs or real):
            candidates.append((of_runs, [*of_runs, *real]))
    candidates.sort(key=lambda candidate: not candidate[0])
    spaces: list[ScoredSpace] = []
    for of_runs, files in candidates:
        main = not spaces
        taken = {key for space in spaces for key in space.scores}  # pixel scores are in every space
        spaces.append(_space(of_runs, files, taken, main))
    return tuple(spaces)


def _space(
    of_runs: list[RunScores], files: list[Scores], taken: set[str], main: bool
) -> ScoredSpace:
    rows = [score_means(scores) for scores in files]
    infos = {key: mean.info for means in rows for key, mean in means.items() if key not in taken}
    keys, methods = ordered(infos), score_methods(rows)
    sampling = dict.fromkeys((s.sampling.seed, s.sampling.batchnorm) for s in of_runs)
    first = files[0]
    return ScoredSpace(
        evaluator=first.evaluator,
        architecture=first.architecture,
        suffix="" if main else f"_{first.evaluator}",
        scores={key: infos[key] for key in keys},
        methods={key: methods[key] for key in keys if key in methods},
        canonical=first.canonical,
        in_domain=first.in_domain,
        resizer=first.resizer,
        sampling=tuple(f"seed {seed}, batch norm {mode}" for seed, mode in sampling),
    )
