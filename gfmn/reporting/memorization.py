"""How near a run's samples are to training images: which scores and comparison images there are."""

from collections.abc import Iterator
from typing import Literal

from gfmn.reporting.records import RunScores
from gfmn.reporting.results import RunEvaluation, RunResult, Study
from gfmn.reporting.score_means import ScoreMean, score_means

Space = Literal["pixel", "feature"]
SPACES: tuple[Space, ...] = ("pixel", "feature")  # in which distances are taken


def own_evaluations(study: Study, run: RunResult) -> Iterator[tuple[RunEvaluation, RunScores]]:
    """A run's scores against the images that it was trained on, in the order of the evaluators."""
    for evaluator in study.evaluators:
        evaluation = run.evaluation(evaluator)
        if evaluation and evaluation.scores and evaluation.dataset == run.dataset:
            yield evaluation, evaluation.scores


def memorized_score(scores: RunScores, space: Space) -> tuple[str, ScoreMean] | None:
    """The memorized probability and its name, in pixels or in the evaluator's features."""
    start = "memorised_pixel_" if space == "pixel" else f"memorised_{scores.evaluator}_"
    return next((item for item in score_means(scores).items() if item[0].startswith(start)), None)


def other_real_images(study: Study, dataset: str, evaluator: str) -> str:
    """Which real images, other than the training images, samples are compared with."""
    real = study.real.get((dataset, evaluator))
    if real is None:
        return "none of them compared with itself"
    if real.held_out.dataset == dataset:
        return f"of the data set {dataset}, each left out of its own search"
    return f"of the data set {real.held_out.dataset}, held out of training"
