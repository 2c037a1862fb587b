"""Training: a generator follows an objective's gradient through frozen networks.

No real image is read: the real side is a few megabytes of statistics. `Trainer.step` is one
update; `gfmn/training/loop.py` makes a run of it.
"""

import copy
import math
import os
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gfmn import generators
from gfmn.common.config import suggest
from gfmn.common.devices import Work, autocast, measured_precision
from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_unit
from gfmn.features.extractor import Extractor
from gfmn.features.statistics import Statistics
from gfmn.generators.noise import Purpose, noise
from gfmn.runtime import optimizer_state
from gfmn.runtime.distributed import ALONE, World
from gfmn.runtime.synced_batchnorm import synchronise
from gfmn.training import objectives
from gfmn.training.config import TrainingConfig, learning_rate

GRAPH_AFTER = 3  # steps before a CUDA graph is captured, as its documentation asks


def tap_weights(weights: Mapping[str, float], extractor: Extractor) -> list[float]:
    """The weight of each selected tap in the objective: its network's, or 1.

    Raises `InputError` for a network of which no tap is selected.
    """
    networks = [tap.name.partition(".")[0] for tap in extractor.taps]
    for network in weights:
        if network not in networks:
            raise InputError(f"weights: no network {network!r}; {suggest(network, {*networks})}")
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
        return optimizer_state.joined(
            {
                "generator": self.generator.state_dict(),
                "objective": self.objective.state_dict(),
                "average": {} if self.average is None else self.average.state_dict(),
                "optimiser": optimizer_state.of_optimiser(self.optimiser),
            }
        )

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self.generator.load_state_dict(optimizer_state.part(state, "generator"))
        self.objective.load_state_dict(optimizer_state.part(state, "objective"))
        if self.average is not None:
            self.average.load_state_dict(optimizer_state.part(state, "average"))
        moments = optimizer_state.part(state, "optimiser")
        optimizer_state.load_optimiser(self.optimiser, self._weights, moments)
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
