"""One update of a generator: noise, images, taps, the objective's gradient, new weights.

No real image is read: the real side is a few megabytes of statistics. `Trainer.update` reads top
to bottom; the gradient is the objective's (gfmn/training/objectives/). `gfmn/training/loop.py`
makes a run of many updates.
"""

import copy
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gfmn import generators
from gfmn.common.config import suggest
from gfmn.common.devices import Work, autocast, measured_precision
from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_unit
from gfmn.features.extractor import Extractor
from gfmn.features.statistics import Statistics
from gfmn.generators.conditional import Conditional
from gfmn.generators.noise import Purpose, noise
from gfmn.networks.tap_gradients import TapGradient
from gfmn.runtime import optimizer_state
from gfmn.runtime.cuda_graph import GraphedWork
from gfmn.runtime.distributed import ALONE, World
from gfmn.runtime.synced_batchnorm import synchronize
from gfmn.training import gradient_cache, objectives
from gfmn.training.config import TrainingConfig
from gfmn.training.objectives.base import Shard
from gfmn.training.schedule import Schedule


@dataclass(frozen=True)
class Inputs:
    """What a training starts from; several trainings, one after another, may use the same."""

    extractor: Extractor
    statistics: Statistics  # of the real features
    start: Mapping[str, Tensor] | None = None  # the generator's first weights; None: random
    precision: str | None = None  # the generator's, where it is known already


class Trainer:
    """A generator, an objective and an optimizer; `step` takes them one update further.

    `state` and `load_state` are exact: a trainer that loads another's state continues as that one
    would. In a world of several processes each computes its shard of a batch, and all hold the
    same state.
    """

    section = "runs"
    columns = ("loss", "gap")
    cure = "`added: {covariance: 2.0}`"

    def __init__(self, config: TrainingConfig, inputs: Inputs, world: World = ALONE) -> None:
        self.config, self.world, self.extractor = config, world, inputs.extractor
        self.seed = config.seed or 0
        self.statistics = inputs.statistics.metadata
        self.device = device = next(self.extractor.parameters()).device

        # ------------------------------------------------------------------ generator
        torch.manual_seed(self.seed)  # the initial weights; noise never comes from it
        image_size = self.extractor.image_size
        frequencies = class_frequencies(config, inputs.statistics)
        made_of = (config.generator, image_size, config.latent, frequencies)
        generator = generators.build(*made_of).to(device)
        if inputs.start is not None:
            generator.load_state_dict(inputs.start)
        self.precision = inputs.precision or chosen_precision(config, generator, world)
        self.generator = synchronize(generator, world).train()
        world.broadcast_(*self.generator.state_dict().values())
        self.average = copy.deepcopy(self.generator) if config.ema else None

        # ------------------------------------------------------------------ objective
        if self.extractor.batchnorm == "batch":
            synchronize(self.extractor, world)
        self.tap_weights = tap_weights(config.weights, self.extractor)
        target = inputs.statistics.target(self.extractor.taps, device)
        self.objective = objectives.build(config.objective, target, config, self.seed, config.added)

        # ------------------------------------------------------------------ optimizer
        self.weights = list(self.generator.parameters())
        self.lr = torch.tensor(config.lr, device=device)
        self.optimizer = torch.optim.Adam(
            self.weights,
            lr=self.lr,
            betas=(config.beta1, config.beta2),
            fused=True,
            capturable=device.type == "cuda",
        )

        # ------------------------------- what a step is given, in the same tensors every time
        self.z = torch.zeros(len(world.shard(config.batch)), config.latent, device=device)
        self.ema_weight = torch.zeros((), device=device)
        graphs = os.environ.get("GFMN_CUDA_GRAPHS", "0") == "1"
        graphed = graphs and device.type == "cuda" and world.size == 1
        graphed = graphed and self.objective.capturable
        self._update: Work = GraphedWork(self.update) if graphed else self.update

    def step(self, step: int) -> None:
        """Update number `step`, from 0. The host waits for nothing that the device computes."""
        shard = self.world.shard(self.config.batch)
        key = (self.seed, Purpose.TRAINING, step)
        z = noise(*key, len(shard), self.config.latent, start=shard.start)
        if self.device.type == "cuda":
            z = z.pin_memory()  # else the copy waits for all that the GPU has yet to do
        self.z.copy_(z, non_blocking=True)
        self.lr.fill_(learning_rate(self.config, step))
        self.ema_weight.fill_(ema_weight(self.config, step))
        self._update()

    def update(self) -> None:
        """One update with the noise, the learning rate and the weight of the average as set."""
        # Generate images (B x 3 x S x S) and extract their taps.
        with autocast(self.precision, self.device):
            signed = self.generator(self.z)
        images = signed_to_unit(signed)
        if self.config.microbatch:
            size = self.config.microbatch
            gradient_cache.backward(images, size, self.extractor, self.objective, self.by_tap)
        else:
            taps = self.extractor(images)
            # The objective's gradient by each tap, in closed form.
            gradients = self.by_tap(self.objective.shard(taps))
            # Through the networks and the generator to its weights.
            self.extractor.backward(taps, gradients)
        self.world.sum_(*(weight.grad for weight in self.weights if weight.grad is not None))

        # Update the weights, and the average of them.
        if self.config.grad_clip_norm:
            nn.utils.clip_grad_norm_(self.weights, self.config.grad_clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            update_average(self.average, self.generator, self.ema_weight)

    def by_tap(self, shard: Shard) -> list[TapGradient | None]:
        """The objective's gradient by each tap, times the weight of the tap's network."""
        gradients = self.objective.by_tap(shard, self.config.batch, self.world, self.classes())
        for i, (gradient, weight) in enumerate(zip(gradients, self.tap_weights, strict=True)):
            if gradient is not None and weight != 1:
                gradients[i] = gradient.scaled(weight)
        return gradients

    def classes(self) -> Tensor | None:
        """The classes of the images of `z`, B x K; None of a generator without any."""
        generator = self.generator
        return generator.one_hot(self.z) if isinstance(generator, Conditional) else None

    @property
    def result(self) -> nn.Module:
        """The generator that a run is for: the average where there is one."""
        return self.generator if self.average is None else self.average

    def state(self) -> dict[str, Tensor]:
        """Everything that a step changes, by name; the tensors are the trainer's own."""
        return optimizer_state.joined(
            {
                "generator": self.generator.state_dict(),
                "objective": self.objective.state_dict(),
                "average": {} if self.average is None else self.average.state_dict(),
                "optimizer": optimizer_state.of_optimizer(self.optimizer),
            }
        )

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self.generator.load_state_dict(optimizer_state.part(state, "generator"))
        self.objective.load_state_dict(optimizer_state.part(state, "objective"))
        if self.average is not None:
            self.average.load_state_dict(optimizer_state.part(state, "average"))
        moments = optimizer_state.part(state, "optimizer")
        optimizer_state.load_optimizer(self.optimizer, self.weights, moments)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def measure(self) -> dict[str, float]:
        """Loss and gap of the last step; the host waits for them."""
        monitor = self.objective.monitor
        return {"loss": float(monitor.loss()), "gap": monitor.gap()}

    @property
    def precisions(self) -> dict[str, str]:
        """Of each network, and of the generator."""
        return {**self.extractor.precision, "generator": self.precision}

    def describe(self) -> dict[str, Any]:
        """What the generator is and how it came to be: parameters, taps, statistics, final gaps."""
        config, taps = self.config, self.extractor.taps
        gaps = zip(taps, self.objective.monitor.gaps(), strict=True)
        return {
            "generator": config.generator,
            "image_size": self.extractor.image_size,
            "latent": config.latent,
            **class_facts(config, self.statistics),
            "parameters": config.effective(),
            "generator_parameters": sum(weight.numel() for weight in self.weights),
            "features": self.objective.target.layout.features,
            "taps": [{"name": tap.name, "shape": list(tap.shape)} for tap in taps],
            "gaps": [
                {"tap": tap.name, "mean_gap": float(f"{m:.6g}"), "std_gap": float(f"{s:.6g}")}
                for tap, (m, s) in gaps
            ],
            "precision": self.precisions,
            "device": self.device.type,
            "statistics": self.statistics,
        }

    def finite(self) -> bool:
        """Whether the loss and every weight are finite; the host waits for the answer."""
        total = sum(
            (weight.detach().sum() for weight in self.weights), self.objective.monitor.loss()
        )
        return math.isfinite(float(total))


def class_frequencies(config: TrainingConfig, statistics: Statistics) -> tuple[float, ...]:
    """Of a conditional generator's classes; empty for another.

    Raises `InputError` where the statistics' groups have no classes and the run is conditional, or
    the other way round.
    """
    found = statistics.class_frequencies
    if config.groups and config.conditional != bool(found):
        has = f"statistics {'with' if found else 'without'} classes"
        raise InputError(f"conditional: expected {str(bool(found)).lower()}, found {has}")
    return found if config.conditional else ()


def class_facts(config: TrainingConfig, statistics: Mapping[str, Any]) -> dict[str, Any]:
    """A conditional generator's classes: their names, where they have any, and frequencies."""
    if not config.conditional:
        return {}
    classes = statistics["classes"]
    return {"class_names": classes["names"], "class_frequencies": classes["frequencies"]}


def learning_rate(config: Schedule, step: int) -> float:
    """The generator's rate at a step (from 0): a linear rise, constant, then linear to 0."""
    rate = config.lr * min(1.0, (step + 1) / config.warmup) if config.warmup else config.lr
    held = config.lr_hold_fraction * config.steps
    if step < held or held >= config.steps:
        return rate
    return rate * (config.steps - step) / (config.steps - held)


def ema_weight(config: Schedule, step: int) -> float:
    """The weight of the newest generator in the average, at a step (from 0).

    Larger at first, so that the initial weights do not stay in the average for long.
    """
    return 1 - min(config.ema, (1 + step) / (10 + step))


@torch.no_grad()
def update_average(average: nn.Module, newest: nn.Module, weight: Tensor) -> None:
    """average <- (1 - weight) average + weight newest; batch-norm averages too."""
    state = newest.state_dict()
    for key, value in average.state_dict().items():
        if value.is_floating_point():
            value.lerp_(state[key], weight)
        else:
            value.copy_(state[key])


def tap_weights(weights: Mapping[str, float], extractor: Extractor) -> list[float]:
    """The weight of each selected tap in the objective: its network's, or 1.

    Raises `InputError` for a network of which no tap is selected.
    """
    networks = [tap.name.partition(".")[0] for tap in extractor.taps]
    for network in weights:
        if network not in networks:
            raise InputError(f"weights: no network {network!r}; {suggest(network, {*networks})}")
    return [weights.get(network, 1.0) for network in networks]


def chosen_precision(config: TrainingConfig, generator: nn.Module, world: World) -> str:
    """The generator's precision: as configured, or the faster one as rank 0 measures it."""
    if config.precision != "auto":
        return config.precision
    return world.choose(
        ("fp32", "bf16"), lambda: faster_precision(generator, config.batch, config.latent)
    )


def faster_precision(generator: nn.Module, batch: int, latent: int) -> str:
    """The precision in which a generator goes forward and back in less time, measured."""
    device = next(generator.parameters()).device

    def make(precision: str) -> Work:
        trial = copy.deepcopy(generator).train()
        z = torch.zeros(batch, latent, device=device)

        def work() -> None:
            with autocast(precision, device):
                images = trial(z)
            images.sum().backward()

        return work

    return measured_precision(make, device)
