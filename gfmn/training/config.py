"""What decides a trained generator: one run's parameters."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from gfmn.common.bounds import BATCH, COUNT, FACTOR, PROCESSES
from gfmn.networks import BatchNormMode
from gfmn.training import objectives
from gfmn.training.schedule import Schedule

TapCount = Annotated[int, Field(ge=-COUNT, le=COUNT)]


class TrainingConfig(Schedule, objectives.Groups):
    """All that decides a trained generator; defaults are the paper's where it says.

    The second base class has the parameters of the objectives, a group for each.
    """

    extractor: str
    # Of each network: the first n, the last -n, or names.
    taps: Literal["all"] | TapCount | tuple[str, ...] = "all"
    weights: dict[str, Annotated[float, Field(ge=0, le=FACTOR)]] = Field({})  # of networks; else 1
    batchnorm: BatchNormMode = "eval"  # of the networks: running statistics or the batch's
    decoder: str = "none"  # a trained extractor whose decoder the generator starts from
    objective: objectives.Name = "ama"
    # Further objectives: the length of each one's gradient by the taps, in that of `objective`.
    added: dict[objectives.Name, Annotated[float, Field(gt=0, le=FACTOR)]] = Field({})
    processes: int = Field(1, ge=1, le=PROCESSES)  # among which each batch is divided
    microbatch: int = Field(0, ge=0, le=BATCH)  # samples in the networks at once; 0: all

    def unused(self) -> set[str]:
        """Also what the run does not use: parameters of objectives, `microbatch: 0`."""
        groups = objectives.Groups.model_fields.keys() - {self.objective, *self.added}
        return super().unused() | groups | (set() if self.microbatch else {"microbatch"})

    @model_validator(mode="after")
    def _a_sample_for_each_process(self) -> Self:
        if self.processes > self.batch:
            raise ValueError(f"expected a batch of at least {self.processes}, one a process")
        return self

    @model_validator(mode="after")
    def _microbatches_are_apart(self) -> Self:
        if self.microbatch and self.batchnorm == "batch":
            raise ValueError("expected `batchnorm: eval` with a microbatch, found 'batch'")
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
