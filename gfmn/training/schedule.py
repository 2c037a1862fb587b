"""What decides any training of a generator, whatever it is matched to."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from gfmn import generators
from gfmn.common.bounds import BATCH, FACTOR, LATENT, RATE, SEEDS, STEPS
from gfmn.common.config import Config

Seed = Annotated[int, Field(ge=0, le=SEEDS)]


class Schedule(Config):
    """The parameters that all trainings of generators have: of a run, and of a baseline.

    A row of a study has `seeds`, and `each` makes of it as many trainings with a `seed`.
    """

    dataset: str
    generator: generators.Name = "dcgan"
    latent: int = Field(100, ge=1, le=LATENT)  # n_z
    conditional: bool = False  # on the classes of the data set's labels
    steps: int = Field(ge=1, le=STEPS)  # generator updates
    batch: int = Field(64, ge=2, le=BATCH)  # minibatch N, over all processes
    lr: float = Field(1e-4, gt=0, le=RATE)  # the generator's
    beta1: float = Field(0.5, ge=0, lt=1)  # of ADAM, the published code's; of SGD its momentum
    beta2: float = Field(0.999, ge=0, lt=1)
    warmup: int = Field(0, ge=0, le=STEPS)  # steps over which lr rises linearly from 0; 0: none
    lr_hold_fraction: float = Field(1.0, ge=0, le=1)  # of the steps at full lr; then linearly to 0
    grad_clip_norm: float = Field(0.0, ge=0, le=FACTOR)  # largest of the generator's; 0: any
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the generator's average, the result; 0: none
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # of the networks and the generator
    seed: Seed | None = None  # of one training; a row has `seeds`
    seeds: tuple[Seed, ...] = Field((0,), max_length=1000)  # trainings that differ in it alone
    log_every: int = Field(10, ge=1, le=STEPS)  # steps between rows of the history
    grid_every: int = Field(100, ge=1, le=STEPS)  # steps between sample grids
    snapshots: int = Field(0, ge=0, le=1000)  # evenly spaced steps, generators to keep; 0: none

    def each(self) -> list[Self]:
        """The trainings, in the order in which the seeds are given."""
        return [self.model_copy(update={"seed": seed}) for seed in self.seeds]

    def effective(self) -> dict[str, Any]:
        """The JSON values of all that decides the trained result."""
        return self.model_dump(mode="json", exclude=self.unused())

    def unused(self) -> set[str]:
        """The parameters that decide nothing of the result."""
        return {"log_every", "seed" if self.seed is None else "seeds"}

    @field_validator("seed")
    @classmethod
    def _seeds_in_its_place(cls, seed: object) -> object:
        if seed is not None:
            raise ValueError("expected the list `seeds` in its place")
        return seed

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError("expected at least one seed, and each once")
        return seeds

    @field_validator("snapshots")
    @classmethod
    def _a_step_for_each_snapshot(cls, snapshots: int, others: ValidationInfo) -> int:
        steps = others.data.get("steps", snapshots)
        if snapshots > steps:
            raise ValueError(f"expected at most {steps}, one a step")
        return snapshots
