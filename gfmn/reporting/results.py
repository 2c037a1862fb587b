"""A study's results: by run, by seed and by feature space.

What is absent is None, so that one run that was not made does not hide the others.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gfmn.reporting.config import ReportConfig
from gfmn.reporting.networks import Networks
from gfmn.reporting.records import RealScores, RunScores, Scores, Snapshots, TrainedModel


@dataclass(frozen=True)
class SeedResult:
    """The outputs of one seed's training."""

    seed: int
    model: TrainedModel | None
    history: pd.DataFrame | None  # step, images, lr, loss, perhaps more
    grids: tuple[tuple[int, Path], ...]  # step, grid of samples of the same noise
    samples: Path | None  # a grid
    generator_digest: str | None = None  # sha256 of its file
    diverged: int | None = None  # the step at which its loss or a weight was no longer finite


@dataclass(frozen=True)
class RunEvaluation:
    """A run's samples against a data set's images, in an evaluator's feature space."""

    name: str
    dataset: str
    evaluator: str
    scores: RunScores | None
    missing: tuple[str, ...] = ()  # without scores: the inputs that are not there


@dataclass(frozen=True)
class RunResult:
    """All outputs of one run: by seed, and by evaluation."""

    name: str
    parameters: Mapping[str, Any]
    seeds: tuple[SeedResult, ...]
    evaluations: tuple[RunEvaluation, ...]
    missing: tuple[str, ...] = ()  # where it is not trained: the inputs that are not there

    @property
    def dataset(self) -> str:
        """The data set that it is trained on."""
        return str(self.parameters.get("dataset"))

    @property
    def model(self) -> TrainedModel | None:
        """The first model that is there; seeds do not differ in what they match."""
        return next((seed.model for seed in self.seeds if seed.model), None)

    @property
    def diverged(self) -> dict[int, int]:
        """The seeds that diverged, each with its step."""
        return {seed.seed: seed.diverged for seed in self.seeds if seed.diverged}

    @property
    def shown_seed(self) -> SeedResult:
        """The seed whose samples are shown: the first that has any."""
        return next((seed for seed in self.seeds if seed.samples), self.seeds[0])

    def seed_label(self, seed: int) -> str:
        """Which seed an image is of, to follow the run's name; empty where it has only one."""
        seeds = ", ".join(str(result.seed) for result in self.seeds)
        return f", seed {seed} of {seeds}" if len(self.seeds) > 1 else ""

    def evaluation(self, evaluator: str) -> RunEvaluation | None:
        """The one in an evaluator's features, preferably against the run's own data set."""
        candidates = [one for one in self.evaluations if one.evaluator == evaluator]
        return min(candidates, key=lambda one: one.dataset != self.dataset, default=None)

    def scores(self, evaluator: str) -> RunScores | None:
        """That evaluation's scores."""
        evaluation = self.evaluation(evaluator)
        return evaluation.scores if evaluation else None

    def own_scores(self, evaluators: Iterable[str]) -> Iterator[tuple[RunEvaluation, RunScores]]:
        """Its scores against the images that it was trained on, in the evaluators' order."""
        for evaluator in evaluators:
            evaluation = self.evaluation(evaluator)
            if evaluation and evaluation.scores and evaluation.dataset == self.dataset:
                yield evaluation, evaluation.scores

    @property
    def status(self) -> str:
        """`scored`, `trained, not scored`, `not run` or, where seeds diverged, `no result`; with
        counts and what is missing."""
        seeds, spaces = len(self.seeds), len(self.evaluations)
        trained = sum(seed.model is not None for seed in self.seeds)
        scores = [evaluation.scores for evaluation in self.evaluations if evaluation.scores]
        missing = [reason for evaluation in self.evaluations for reason in evaluation.missing]
        if scores:
            least = min(len(one.seeds) for one in scores)
            status = f"scored in {len(scores)} of {spaces} spaces"
            status = status if len(scores) < spaces else "scored"
            status += f", {least} of {seeds} seeds" if least < seeds else ""
        else:
            some = f"{trained} of {seeds} seeds " if trained < seeds else ""
            untrained = "no result" if self.diverged else "not run"
            status = f"{some}trained, not scored" if trained else untrained
            missing = [*self.missing, *missing] if trained else [*self.missing]
        lost = [f"seed {seed} diverged at step {step:,}" for seed, step in self.diverged.items()]
        reasons = ", ".join(dict.fromkeys([*lost, *missing]))
        return f"{status}: {reasons}" if reasons else status


@dataclass(frozen=True)
class Study:
    """A report's configuration and all results in one study's folder."""

    folder: Path
    config: ReportConfig
    runs: dict[str, RunResult]
    evaluators: tuple[str, ...]  # in the order of the evaluations
    real: dict[tuple[str, str], RealScores]  # by data set, evaluator
    datasets: Mapping[str, Mapping[str, Any]]  # meta.json of those that are there
    timings: Mapping[str, Mapping[str, Any]]
    trained: Mapping[str, Mapping[str, Any]]  # metrics of each extractor trained in the study
    sampling: Mapping[str, Any] = field(default_factory=dict)  # count, seed, batchnorm of samples
    networks: Networks = field(default_factory=Networks)
    snapshots: Mapping[str, Snapshots] = field(default_factory=dict)  # by name of their row
    defaults: Mapping[str, Any] = field(default_factory=dict)  # parameters of every run

    @property
    def headline(self) -> RunResult:
        """The run in the page's header."""
        return self.runs[self.config.headline or next(iter(self.runs))]

    def image_size(self, dataset: str) -> int:
        """Side of one image in px, 32 where the data set does not say."""
        return int(self.datasets.get(dataset, {}).get("image_size", 32))

    def score_files(self) -> Iterator[tuple[str, Scores]]:
        """Name and content of every file of scores that is there, those of runs first."""
        for run in self.runs.values():
            yield from ((one.name, one.scores) for one in run.evaluations if one.scores)
        yield from ((f"reference-{'-'.join(pair)}", scores) for pair, scores in self.real.items())

    def scores_in(self, evaluator: str) -> list[Scores]:
        """All scores in an evaluator's features; the network is the same in all of them."""
        return [scores for _, scores in self.score_files() if scores.evaluator == evaluator]
