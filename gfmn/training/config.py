"""What decides a trained generator: one run's parameters."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gfmn import generators
from gfmn.common.bounds import BATCH, COUNT, FACTOR, LATENT, PROCESSES, RATE, SEEDS, STEPS
from gfmn.networks import BatchNormMode
from gfmn.training import objectives

TapCount = Annotated[int, Field(ge=-COUNT, le=COUNT)]


class Method(objectives.Groups):
    """All that decides a trained generator but the seed; defaults are the paper's where it says.

    The base class has the parameters of the objectives, a group for each.
    """

    dataset: str
    extractor: str
    # Of each network: the first n, the last -n, or names.
    taps: Literal["all"] | TapCount | tuple[str, ...] = "all"
    weights: dict[str, Annotated[float, Field(ge=0, le=FACTOR)]] = Field({})  # of networks; else 1
    batchnorm: BatchNormMode = "eval"  # of the networks: running statistics or the batch's
    generator: generators.Name = "dcgan"
    latent: int = Field(100, ge=1, le=LATENT)  # n_z
    conditional: bool = False  # on the classes that the groups of the statistics have
    decoder: str = "none"  # a trained extractor whose decoder the generator starts from
    objective: objectives.Name = "ama"
    # Further objectives: the length of each one's gradient by the taps, in that of `objective`.
    added: dict[objectives.Name, Annotated[float, Field(gt=0, le=FACTOR)]] = Field({})
    steps: int = Field(ge=1, le=STEPS)  # generator updates
    batch: int = Field(64, ge=2, le=BATCH)  # minibatch N, over all processes
    lr: float = Field(1e-4, gt=0, le=RATE)  # the generator's ADAM
    beta1: float = Field(0.5, ge=0, lt=1)  # the published code's
    beta2: float = Field(0.999, ge=0, lt=1)
    warmup: int = Field(0, ge=0, le=STEPS)  # steps over which lr rises linearly from 0; 0: none
    lr_hold_fraction: float = Field(1.0, ge=0, le=1)  # of the steps at full lr; then linearly to 0
    grad_clip_norm: float = Field(0.0, ge=0, le=FACTOR)  # largest of a gradient; 0: any
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the generator's average, the result; 0: none
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # of the networks and the generator
    processes: int = Field(1, ge=1, le=PROCESSES)  # among which each batch is divided
    log_every: int = Field(10, ge=1, le=STEPS)  # steps between rows of the history
    grid_every: int = Field(100, ge=1, le=STEPS)  # steps between sample grids
    snapshots: int = Field(0, ge=0, le=1000)  # evenly spaced steps, generators to keep; 0: none

    def effective(self) -> dict[str, Any]:
        """The JSON values of all that decides the trained result.

        That is all but `log_every` and the parameters of objectives that the run does not use.
        """
        unused = objectives.Groups.model_fields.keys() - {self.objective, *self.added}
        return self.model_dump(mode="json", exclude={"log_every", *unused})

    @model_validator(mode="after")
    def _a_sample_for_each_process(self) -> Self:
        if self.processes > self.batch:
            raise ValueError(f"expected a batch of at least {self.processes}, one a process")
        return self

    @property
    def groups(self) -> dict[str, str]:
        """The groups of statistics that the run's objectives need, and one that needs each."""
        names = (self.objective, *self.added)
        return {group: name for name in names for group in objectives.OBJECTIVES[name].needs}

    @model_validator(mode="after")
    def _classes_are_matched(self) -> Self:
        if self.conditional and not self.groups:
            raise ValueError("expected an objective of pooled features in a conditional run")
        if self.conditional and self.decoder != "none":
            raise ValueError(f"expected no decoder in a conditional run, found {self.decoder!r}")
        return self

    @field_validator("taps")
    @classmethod
    def _at_least_one_tap(cls, taps: object) -> object:
        if taps == 0:
            expected = "'all', the first n taps, the last n as -n, or a list of names"
            raise ValueError(f"expected {expected}")
        return taps

    @field_validator("snapshots")
    @classmethod
    def _a_step_for_each_snapshot(cls, snapshots: int, others: ValidationInfo) -> int:
        steps = others.data.get("steps", snapshots)
        if snapshots > steps:
            raise ValueError(f"expected at most {steps}, one a step")
        return snapshots


class TrainingConfig(Method):
    """One training: a method and its seed."""

    seed: int = Field(0, ge=0, le=SEEDS)


class SeedsConfig(Method):
    """Several trainings of one method, which differ in nothing but the seed."""

    seeds: tuple[Annotated[int, Field(ge=0, le=SEEDS)], ...] = Field((0,), max_length=1000)

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError("expected at least one seed, and each once")
        return seeds

    def each(self) -> list[TrainingConfig]:
        """The trainings, in the order in which the seeds are given."""
        method = {name: getattr(self, name) for name in Method.model_fields}
        return [TrainingConfig(**method, seed=seed) for seed in self.seeds]
