"""Training: a generator follows an objective's gradient through frozen networks.

No real image is read: the real side is a few megabytes of statistics. `Trainer.step` is one
update; `gfmn/loop.py` makes a run of it.
"""

import copy
import math
import os
from collections.abc import Mapping
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from gfmn import generators, objectives, states
from gfmn.batchnorm import synchronise
from gfmn.config import nearest
from gfmn.devices import Work, autocast, measured_precision
from gfmn.distributed import ALONE, World
from gfmn.errors import InputError
from gfmn.extractors import Extractor
from gfmn.images import signed_to_unit
from gfmn.networks import BatchNormMode
from gfmn.noise import Purpose, noise
from gfmn.statistics import Statistics

GRAPH_AFTER = 3  # steps before a CUDA graph is captured, as its documentation asks


class Method(objectives.Groups):
    """All that decides a trained generator but the seed; defaults are the paper's where it says."""

    dataset: str
    extractor: str
    taps: Literal["all"] | int | tuple[str, ...] = "all"  # of each network: first n, last -n, names
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field({})  # of networks in the loss; else 1
    batchnorm: BatchNormMode = "eval"  # of the networks: running statistics or the batch's
    generator: generators.Name = "dcgan"
    latent: int = Field(100, ge=1)  # n_z
    decoder: str = "none"  # a trained extractor whose decoder the generator starts from
    objective: objectives.Name = "ama"  # each has a group of parameters in the base class
    steps: int = Field(ge=1)  # generator updates
    batch: int = Field(64, ge=2)  # minibatch N, over all processes
    lr: float = Field(1e-4, gt=0)  # the generator's ADAM
    beta1: float = Field(0.5, ge=0, lt=1)  # the published code's
    beta2: float = Field(0.999, ge=0, lt=1)
    warmup: int = Field(0, ge=0)  # steps over which lr rises linearly from 0; 0: none
    hold: float = Field(1.0, ge=0, le=1)  # share of the steps at full lr; then linearly to 0
    clip: float = Field(0.0, ge=0)  # largest norm of the generator's gradient; 0: any
    ema: float = Field(0.0, ge=0, lt=1)  # decay of the generator's average, the result; 0: none
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # of the networks and the generator
    processes: int = Field(1, ge=1)  # that share each batch
    log_every: int = Field(10, ge=1)  # steps between rows of the history
    grid_every: int = Field(100, ge=1)  # steps between sample grids

    @model_validator(mode="after")
    def _shared(self) -> Self:
        if self.processes > self.batch:
            raise ValueError(f"expected a batch of at least {self.processes}, one a process")
        return self

    @field_validator("taps")
    @classmethod
    def _some(cls, taps: object) -> object:
        if taps == 0:
            expected = "'all', the first n taps, the last n as -n, or a list of names"
            raise ValueError(f"expected {expected}")
        return taps


class TrainingConfig(Method):
    """One training: a method and its seed."""

    seed: int = Field(0, ge=0)


class SeedsConfig(Method):
    """Several trainings of one method, which differ in nothing but the seed."""

    seeds: tuple[Annotated[int, Field(ge=0)], ...] = (0,)

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


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The generator's rate at a step (from 0): a linear rise, constant, then linear to 0."""
    rate = config.lr * min(1.0, (step + 1) / config.warmup) if config.warmup else config.lr
    held = config.hold * config.steps
    if step < held or held >= config.steps:
        return rate
    return rate * (config.steps - step) / (config.steps - held)


def tap_weights(weights: Mapping[str, float], extractor: Extractor) -> list[float]:
    """The weight of each selected tap in the objective: its network's, or 1.

    Raises `InputError` for a network of which no tap is selected.
    """
    networks = [tap.name.partition(".")[0] for tap in extractor.taps]
    for network in weights:
        if network not in networks:
            raise InputError(f"weights: no network {network!r}; {nearest(network, {*networks})}")
    return [weights.get(network, 1.0) for network in networks]


class Trainer:
    """A generator, an objective and an optimiser; `step` takes them one update further.

    `state` and `load_state` are exact: a trainer that loads another's state goes on as that one
    would. In a world of several processes each makes its share of a batch, and all hold the same
    state. `precision`: the generator's, where it is known already. `start`: the generator's
    weights, where they are not to be random.
    """

    def __init__(
        self,
        config: TrainingConfig,
        extractor: Extractor,
        statistics: Statistics,
        image_size: int,
        world: World = ALONE,
        precision: str | None = None,
        start: Mapping[str, Tensor] | None = None,
    ) -> None:
        self.config, self.extractor, self.image_size = config, extractor, image_size
        self.world, self.device = world, next(extractor.parameters()).device
        torch.manual_seed(config.seed)  # the initial weights; noise never comes from it
        generator = generators.build(config.generator, image_size, config.latent).to(self.device)
        if start is not None:
            generator.load_state_dict(start)
        self.precision = precision or config.precision
        if self.precision == "auto":
            self.precision = world.choose(("fp32", "bf16"), lambda: self._measured(generator))
        self.generator: nn.Module = synchronise(generator, world).train()
        world.broadcast_(*self.generator.state_dict().values())
        if extractor.batchnorm == "batch":
            synchronise(extractor, world)
        self._tap_weights = tap_weights(config.weights, extractor)
        self.average = copy.deepcopy(self.generator) if config.ema else None
        target = statistics.target(extractor.taps, self.device)
        self.objective = objectives.build(config.objective, target, config, config.seed)
        self._weights = list(self.generator.parameters())
        # What changes with the step and is not computed on the device.
        self._z = torch.zeros(len(world.share(config.batch)), config.latent, device=self.device)
        self._rate = torch.tensor(config.lr, device=self.device)
        self._ema_share = torch.zeros((), device=self.device)
        cuda = self.device.type == "cuda"
        betas = (config.beta1, config.beta2)
        self.optimiser = torch.optim.Adam(
            self._weights, lr=self._rate, betas=betas, fused=True, capturable=cuda
        )
        graphs = os.environ.get("GFMN_CUDA_GRAPHS", "0") == "1"
        self._until_graph = GRAPH_AFTER if cuda and graphs and world.size == 1 else -1
        self._graph: torch.cuda.CUDAGraph | None = None

    def step(self, step: int) -> None:
        """Update number `step`, from 0. The host waits for nothing that the device computes."""
        share = self.world.share(self.config.batch)
        key = (self.config.seed, Purpose.TRAINING, step)
        z = noise(*key, len(share), self.config.latent, start=share.start)
        if self.device.type == "cuda":
            z = z.pin_memory()  # else the copy waits for all that the GPU has yet to do
        self._z.copy_(z, non_blocking=True)
        self._rate.fill_(learning_rate(self.config, step))
        # At first a shorter memory, lest the initial weights stay in the average for long.
        self._ema_share.fill_(1 - min(self.config.ema, (1 + step) / (10 + step)))
        if self._graph is not None:
            self._graph.replay()
        elif self._until_graph == 0:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):
                self._update()
            self._graph.replay()
        else:
            self._until_graph -= 1
            self._update()

    def _update(self) -> None:
        """Generate, extract, take the objective's gradient back to the weights, and use it."""
        with autocast(self.precision, self.device):
            images = self.generator(self._z)
        taps = self.extractor(signed_to_unit(images))
        gradient = self.objective.gradient(taps, self.config.batch, self.world)
        by_tap = gradient.by_tap(self.objective.target.layout)
        weighted = zip(by_tap, self._tap_weights, strict=True)
        self.extractor.backward(taps, [g.times(w) if w != 1 else g for g, w in weighted])
        self.world.sum_(*(weight.grad for weight in self._weights if weight.grad is not None))
        if self.config.clip:
            nn.utils.clip_grad_norm_(self._weights, self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if self.average is not None:
            self._average(self.average)

    @torch.no_grad()
    def _average(self, average: nn.Module) -> None:
        new = self.generator.state_dict()
        for key, value in average.state_dict().items():
            if value.is_floating_point():  # batch-norm averages too
                value.lerp_(new[key], self._ema_share)
            else:
                value.copy_(new[key])

    @property
    def result(self) -> nn.Module:
        """The generator that a run is for: the average where there is one."""
        return self.generator if self.average is None else self.average

    def state(self) -> dict[str, Tensor]:
        """Everything that a step changes, by name; the tensors are the trainer's own."""
        return states.joined(
            {
                "generator": self.generator.state_dict(),
                "objective": self.objective.state_dict(),
                "average": {} if self.average is None else self.average.state_dict(),
                "optimiser": states.of_optimiser(self.optimiser),
            }
        )

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self.generator.load_state_dict(states.part(state, "generator"))
        self.objective.load_state_dict(states.part(state, "objective"))
        if self.average is not None:
            self.average.load_state_dict(states.part(state, "average"))
        moments = states.part(state, "optimiser")
        states.load_optimiser(self.optimiser, self._weights, moments)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate

    def finite(self) -> bool:
        """Whether the loss and every weight are finite; the host waits for the answer."""
        total = sum((weight.detach().sum() for weight in self._weights), self.objective.loss())
        return math.isfinite(float(total))

    def _measured(self, generator: nn.Module) -> str:
        def make(precision: str) -> Work:
            trial = copy.deepcopy(generator).train()
            z = torch.zeros(self.config.batch, self.config.latent, device=self.device)

            def work() -> None:
                with autocast(precision, self.device):
                    images = trial(z)
                images.sum().backward()

            return work

        return measured_precision(make, self.device)
