"""One update of a generator and those of its critic: real images, noise, two losses.

`BaselineTrainer.step` reads top to bottom; the losses are the method's. `gfmn/training/loop.py`
makes a run of many updates, as of every other training.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gfmn import generators
from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import BaselineConfig
from gfmn.baselines.images import RealImages, class_frequencies, real_difference
from gfmn.common.devices import Work, autocast, default_device, measured_precision
from gfmn.common.images import difference, signed_to_bytes
from gfmn.datasets.prepared import PreparedDataset
from gfmn.generators.conditional import Conditional
from gfmn.generators.noise import Purpose, noise
from gfmn.runtime import optimizer_state
from gfmn.training.schedule import ema_weight, learning_rate
from gfmn.training.trainer import (
    faster_precision,
    update_average,
)

STREAM = 4  # of random numbers that losses draw: penalties, dropout, corruption


@dataclass(frozen=True)
class Inputs:
    """What a training starts from. `precision`: of the networks, where it is known already."""

    data: PreparedDataset
    setting: Setting
    precision: Mapping[str, str]


class BaselineTrainer:
    """A generator, a method with its critic, and an optimizer each.

    `state` and `load_state` are exact: a trainer that loads another's state continues as that one
    would.
    """

    section = "baselines"
    columns = ("loss", "critic", "diversity")  # losses, and how samples differ: 1 as real images
    cure = "another critic_steps"

    def __init__(self, config: BaselineConfig, inputs: Inputs) -> None:
        self.config, self.data, self.setting = config, inputs.data, inputs.setting
        self.seed = config.seed or 0
        self.device = device = default_device()

        # ------------------------------------------------------------------ players
        torch.manual_seed(self.seed)  # the initial weights
        frequencies = class_frequencies(inputs.data) if config.conditional else ()
        size = inputs.setting.image_size
        generator = generators.build(config.generator, size, config.latent, frequencies)
        self.method: Method = config.build(inputs.setting).to(device).train()
        self.method.prepare(generator)
        self.generator = generator.to(device)
        self.precisions = chosen_precisions(config, self.generator, self.method, inputs)
        self.average = copy.deepcopy(self.generator) if config.ema else None

        # ------------------------------------------------------------------ optimizers
        self.weights = [w for w in self.generator.parameters() if w.requires_grad]
        self.optimizer = make_optimizer(config, self.weights)
        self.critic_weights = [w for w in self.method.parameters() if w.requires_grad]
        self.critic_optimizer = (
            make_optimizer(config, self.critic_weights) if self.critic_weights else None
        )

        # ------------------------------------------------------------------ images and results
        self.real = RealImages(inputs.data, self.seed, inputs.setting.classes > 0)
        self.real_difference = real_difference(inputs.data)
        self.critic_updates = 0
        self.loss, self.critic_loss = torch.zeros(2, device=device)
        self.samples: Tensor | None = None  # the generator's last

    def step(self, step: int) -> None:
        """Update number `step`, from 0: some of the critic, then one of the generator."""
        stream = np.random.SeedSequence((self.seed, STREAM, step)).generate_state(1, np.uint64)
        torch.manual_seed(int(stream[0] >> 1))  # for what the losses draw
        rate = learning_rate(self.config, step)
        updates = self.method.critic_updates(step, self.config.critic_steps)
        for _ in range(updates):
            self._update_critic(rate)
        if updates:
            self.method.after_critic_updates(lambda: self.real.next(self.config.batch, self.device))
        self._update_generator(step, rate)

    def _update_critic(self, rate: float) -> None:
        assert self.critic_optimizer is not None
        if self.config.critic_lr is not None:
            rate *= self.config.critic_lr / self.config.lr
        with torch.no_grad():
            fake = self._fake(Purpose.CRITIC, self.critic_updates)
        real = self.real.next(self.config.batch, self.device)
        with autocast(self.precisions["critic"], self.device):
            loss = self.method.critic_loss(real, fake)
        loss.backward()
        _update(self.critic_optimizer, rate)
        self.method.after_critic_step()
        self.critic_loss = loss.detach()
        self.critic_updates += 1

    def _update_generator(self, step: int, rate: float) -> None:
        fake = self._fake(Purpose.TRAINING, step)
        real = None
        if self.method.uses_real:
            real = self.real.next(self.config.batch, self.device)
        with autocast(self.precisions["critic"], self.device):
            loss = self.method.generator_loss(fake, real)
        loss.backward(inputs=self.weights)  # and not by the critic's
        if self.config.grad_clip_norm:
            nn.utils.clip_grad_norm_(self.weights, self.config.grad_clip_norm)
        _update(self.optimizer, rate)
        if self.average is not None:
            newest = torch.tensor(ema_weight(self.config, step), device=self.device)
            update_average(self.average, self.generator, newest)
        self.loss, self.samples = loss.detach(), fake.images.detach()

    def _fake(self, purpose: Purpose, number: int) -> Batch:
        """A minibatch of generated images, of the labels that its noise says."""
        z = noise(self.seed, purpose, number, self.config.batch, self.config.latent)
        z = z.to(self.device)
        with autocast(self.precisions["generator"], self.device):
            images = self.method.generate(self.generator, z)
        generator = self.generator
        labels = generator.one_hot(z).argmax(1) if isinstance(generator, Conditional) else None
        return Batch(images, labels)

    def measure(self) -> dict[str, float]:
        """Both players' losses, and how much the samples differ as a share of the real images."""
        assert self.samples is not None
        images = self.method.images(self.generator, self.samples)
        diversity = difference(signed_to_bytes(images)) / self.real_difference
        losses = {"loss": float(self.loss), "critic": float(self.critic_loss)}
        return {**losses, "diversity": diversity}

    @property
    def result(self) -> nn.Module:
        """The generator that a run is for: the average where there is one."""
        return self.generator if self.average is None else self.average

    def finite(self) -> bool:
        """Whether both losses and every weight are finite; the host waits for the answer."""
        weights = [*self.weights, *self.critic_weights]
        total = sum((weight.detach().sum() for weight in weights), self.loss + self.critic_loss)
        return math.isfinite(float(total))

    def state(self) -> dict[str, Tensor]:
        """Everything that a step changes, by name; the tensors are the trainer's own."""
        critic = self.critic_optimizer
        return optimizer_state.joined(
            {
                "generator": self.generator.state_dict(),
                "average": {} if self.average is None else self.average.state_dict(),
                "method": self.method.state_dict(),
                "optimizer": optimizer_state.of_optimizer(self.optimizer),
                "critic_optimizer": {} if critic is None else optimizer_state.of_optimizer(critic),
                "numbers": {
                    "drawn": torch.tensor(self.real.drawn),
                    "critic_updates": torch.tensor(self.critic_updates),
                    "loss": self.loss,
                    "critic_loss": self.critic_loss,
                },
            }
        )

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        self.generator.load_state_dict(optimizer_state.part(state, "generator"))
        self.method.load_state_dict(optimizer_state.part(state, "method"))
        if self.average is not None:
            self.average.load_state_dict(optimizer_state.part(state, "average"))
        moments = optimizer_state.part(state, "optimizer")
        optimizer_state.load_optimizer(self.optimizer, self.weights, moments)
        if self.critic_optimizer is not None:
            moments = optimizer_state.part(state, "critic_optimizer")
            optimizer_state.load_optimizer(self.critic_optimizer, self.critic_weights, moments)
        numbers = optimizer_state.part(state, "numbers")
        self.real.drawn = int(numbers["drawn"])
        self.critic_updates = int(numbers["critic_updates"])
        self.loss = numbers["loss"].to(self.device)
        self.critic_loss = numbers["critic_loss"].to(self.device)

    def describe(self) -> dict[str, Any]:
        """What the generator is and how it came to be: parameters, players, images."""
        facts: dict[str, Any] = {}
        if isinstance(self.generator, Conditional):
            facts = {
                "class_names": self.data.metadata.get("classes"),
                "class_frequencies": list(class_frequencies(self.data)),
            }
        return {
            "generator": self.config.generator,
            "image_size": self.setting.image_size,
            "latent": self.config.latent,
            **facts,
            "parameters": self.config.effective(),
            "generator_parameters": sum(weight.numel() for weight in self.generator.parameters()),
            "critic_parameters": sum(weight.numel() for weight in self.critic_weights),
            "features": 0,  # none is fixed before the training
            "taps": [],
            "gaps": [],
            "precision": self.precisions,
            "device": self.device.type,
            "statistics": {
                "dataset": self.config.dataset,
                "dataset_digest": self.data.metadata["digest"],
                "image_size": self.setting.image_size,
            },
        }


def make_optimizer(config: BaselineConfig, weights: list[nn.Parameter]) -> Optimizer:
    """An optimizer of the kind and with the momenta that the parameters say."""
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(weights, lr=config.lr)
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=config.lr, momentum=config.beta1)
    return torch.optim.Adam(weights, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


def _update(optimizer: Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def chosen_precisions(
    config: BaselineConfig, generator: nn.Module, method: Method, inputs: Inputs
) -> dict[str, str]:
    """The precision of each player: as known or configured, or the faster one as measured.

    A critic of whose loss derivatives are a part is in float32 unless the parameters say bf16.
    """
    found = dict(inputs.precision)
    if config.precision != "auto":
        found = {"generator": config.precision, "critic": config.precision}
    if "generator" not in found:
        found["generator"] = faster_precision(generator, config.batch, config.latent)
    if method.critic is None or method.second_order:
        found.setdefault("critic", "fp32")
    if "critic" not in found:
        found["critic"] = faster_critic(method, config.batch, inputs.setting.image_size)
    return found


def faster_critic(method: Method, batch: int, image_size: int) -> str:
    """The precision in which a critic goes forward and back in less time, measured."""
    device = next(method.parameters()).device

    def make(precision: str) -> Work:
        assert method.critic is not None
        trial = copy.deepcopy(method.critic).train()
        images = torch.zeros(batch, 3, image_size, image_size, device=device)
        images = images.to(memory_format=torch.channels_last).requires_grad_()

        def work() -> None:
            with autocast(precision, device):
                found = trial(images)
            found.sum().backward()

        return work

    return measured_precision(make, device)
