"""What decides a trained baseline: one row's parameters."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from gfmn import generators
from gfmn.baselines import critics
from gfmn.baselines.base import Method, Setting
from gfmn.common.bounds import BATCH, COUNT, FACTOR, LATENT, RATE, SEEDS, STEPS
from gfmn.common.config import Config
from gfmn.common.registry import Registry

Factor = Annotated[float, Field(ge=0, le=FACTOR)]
Scales = Annotated[
    tuple[Annotated[float, Field(gt=0, le=FACTOR)], ...], Field(min_length=1, max_length=100)
]


class BaselineConfig(Config, ABC):
    """What all methods share; a method's class has its own further fields and its own defaults.

    The defaults of a method are those of its paper, where that gives them.
    """

    has_classes: ClassVar[bool] = True  # may be `conditional`
    encodes: ClassVar[bool] = False  # needs an autoencoder's `extractor` and `decoder`
    labeled: ClassVar[bool] = False  # reads labels even where the generator is not `conditional`

    method: str  # a name in `METHODS`
    dataset: str
    extractor: str = "none"  # of the study: the critic's network, or the encoder of codes
    decoder: str = "none"  # a trained extractor whose decoder makes images of codes
    generator: generators.Name = "dcgan"
    latent: int = Field(100, ge=1, le=LATENT)  # n_z
    conditional: bool = False  # on the classes of the data set's labels
    critic: critics.Name | Literal["none"] = "dcgan"  # architecture, where the method has a critic
    critic_width: int = Field(64, ge=1, le=4096)  # channels of its first layer
    critic_steps: int = Field(1, ge=1, le=1000)  # its updates for each of the generator's
    critic_lr: float | None = Field(None, gt=0, le=RATE)  # None: as `lr`
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"  # of both players
    steps: int = Field(ge=1, le=STEPS)  # generator updates
    batch: int = Field(64, ge=2, le=BATCH)  # real images, and as many generated ones
    lr: float = Field(1e-4, gt=0, le=RATE)
    beta1: float = Field(0.5, ge=0, lt=1)  # of ADAM; of SGD its momentum
    beta2: float = Field(0.999, ge=0, lt=1)
    warmup: int = Field(0, ge=0, le=STEPS)  # steps over which lr rises linearly from 0; 0: none
    lr_hold_fraction: float = Field(1.0, ge=0, le=1)  # of the steps at full lr; then linearly to 0
    grad_clip_norm: Factor = 0.0  # largest of the generator's gradient; 0: any
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the generator's average, the result; 0: none
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: Annotated[int, Field(ge=0, le=SEEDS)] | None = None  # of one training; a row has `seeds`
    seeds: tuple[Annotated[int, Field(ge=0, le=SEEDS)], ...] = Field((0,), max_length=1000)
    log_every: int = Field(10, ge=1, le=STEPS)  # steps between rows of the history
    grid_every: int = Field(100, ge=1, le=STEPS)  # steps between sample grids
    snapshots: int = Field(0, ge=0, le=COUNT)  # evenly spaced steps, generators to keep; 0: none

    @property
    def decoded_by(self) -> str:
        """The generator that `decoder` has to be one of."""
        return self.generator

    @abstractmethod
    def build(self, setting: Setting) -> Method:
        """The losses and the critic before their first update, on the CPU."""

    def effective(self) -> dict[str, Any]:
        """The JSON values of all that decides the trained result."""
        unused = "seeds" if self.seed is not None else "seed"
        return self.model_dump(mode="json", exclude={"log_every", unused})

    def each(self) -> list[Self]:
        """The trainings, in the order in which the seeds are given."""
        return [self.model_copy(update={"seed": seed}) for seed in self.seeds]

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

    @model_validator(mode="after")
    def _inputs_are_used(self) -> Self:
        uses_extractor = self.encodes or self.critic == "extractor"
        for key, used in (("extractor", uses_extractor), ("decoder", self.encodes)):
            if used != (getattr(self, key) != "none"):
                expected = f"the name of one as `{key}`" if used else f"`{key}: none`"
                critic = "" if self.critic == "none" else f" with `critic: {self.critic}`"
                raise ValueError(f"{self.method}{critic}: expected {expected}")
        if self.conditional and not self.has_classes:
            raise ValueError(f"{self.method}: expected `conditional: false`")
        return self


METHODS = Registry[type[BaselineConfig]]()  # by the name that the parameter `method` gives
