"""What decides a trained baseline: one row's parameters."""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from gfmn.baselines import critics
from gfmn.baselines.base import Method, Setting
from gfmn.common.bounds import FACTOR, RATE
from gfmn.common.registry import Registry
from gfmn.training.schedule import Schedule

Factor = Annotated[float, Field(ge=0, le=FACTOR)]
Scales = Annotated[
    tuple[Annotated[float, Field(gt=0, le=FACTOR)], ...], Field(min_length=1, max_length=100)
]


class BaselineConfig(Schedule, ABC):
    """What all methods share; a method's class has its own further fields and its own defaults.

    The defaults of a method are those of its paper, where that gives them.
    """

    has_classes: ClassVar[bool] = True  # may be `conditional`
    encodes: ClassVar[bool] = False  # needs an autoencoder's `extractor` and `decoder`
    labeled: ClassVar[bool] = False  # reads labels even where the generator is not `conditional`

    method: str  # a name in `METHODS`
    extractor: str = "none"  # of the study: the critic's network, or the encoder of codes
    decoder: str = "none"  # a trained extractor whose decoder makes images of codes
    critic: critics.Name | Literal["none"] = "dcgan"  # architecture, where the method has a critic
    critic_width: int = Field(64, ge=1, le=4096)  # channels of its first layer
    critic_steps: int = Field(1, ge=1, le=1000)  # its updates for each of the generator's
    critic_lr: float | None = Field(None, gt=0, le=RATE)  # None: as `lr`
    optimizer: Literal["adam", "rmsprop", "sgd"] = "adam"  # of both players

    @property
    def decoded_by(self) -> str:
        """The generator that `decoder` has to be one of."""
        return self.generator

    @abstractmethod
    def build(self, setting: Setting) -> Method:
        """The losses and the critic before their first update, on the CPU."""

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
