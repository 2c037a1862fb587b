"""What is measured: two of the paper's settings, ours and the plain reference, ready to step.

Weights are random: time and memory do not depend on them. The real statistics are zeros and ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch

from benchmarks import plain
from gfmn import generators
from gfmn.common.devices import Work, autocast, has_bf16
from gfmn.common.images import signed_to_unit
from gfmn.features.extractor import Extractor, faster_precision
from gfmn.features.statistics import Statistics
from gfmn.networks import TappedNetwork, build
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

IMAGE_SIZE, LATENT = 32, 100
DEPTH = 16  # taps of each network


@dataclass(frozen=True)
class Arm:
    """Frozen networks, of which the first 16 taps are matched, and a generator."""

    name: str
    networks: tuple[str, ...]
    generator: str
    features: int  # of all taps

    def build(self) -> dict[str, TappedNetwork]:
        """The networks, the same ones at every call."""
        torch.manual_seed(0)
        return {name: build(name) for name in self.networks}

    def extractor(self, precision: str, device: torch.device) -> Extractor:
        """Ours, folded; `auto`: of each network the precision that a measurement prefers."""
        networks, taps, precisions = self.build(), {}, {}
        for name, network in networks.items():
            network.freeze()
            taps[name] = network.tap_names[:DEPTH]
            precisions[name] = precision
            if precision == "auto":
                precisions[name] = faster_precision(name, network, taps[name], IMAGE_SIZE, device)
        return Extractor(networks, taps, IMAGE_SIZE, precisions, "").to(device)

    def trainer(self, precision: str, batch: int, device: torch.device) -> Trainer:
        """Ours, with the ADAM moving average."""
        extractor = self.extractor(precision, device)
        mean = {tap.name: torch.zeros(tap.shape) for tap in extractor.taps}
        variance = {tap.name: torch.ones(tap.shape) for tap in extractor.taps}
        parameters = {
            "dataset": "",
            "extractor": "",
            "steps": 1_000_000,
            "objective": "ama",
            "generator": self.generator,
            "latent": LATENT,
            "batch": batch,
            "precision": precision,
        }
        config = TrainingConfig.parse(parameters, "benchmark").each()[0]
        return Trainer(config, Inputs(extractor, Statistics({}, mean, variance)))

    def plain_networks(self, device: torch.device) -> plain.BatchModeNetworks:
        """The reference's: not folded, float32."""
        networks = [network.to(device) for network in self.build().values()]
        return plain.BatchModeNetworks(networks, DEPTH)

    def plain_training(self, device: torch.device) -> plain.Training:
        """The reference, with the ADAM moving average."""
        networks = self.plain_networks(device)
        generator = generators.build(self.generator, IMAGE_SIZE, LATENT).to(device)
        mean = torch.zeros(self.features, device=device)
        loss = plain.AdamMovingAverage(mean, torch.ones_like(mean), 5e-5)
        return plain.Training(networks, generator, loss, LATENT)


ARMS = {
    arm.name: arm
    for arm in (
        Arm("vgg19_dcgan", ("vgg19_bn",), "dcgan", 303_104),
        Arm("vgg19_resnet18_resnet", ("vgg19_bn", "resnet18"), "resnet", 851_968),
    )
}


@dataclass(frozen=True)
class Contenders:
    """One arm, ready to step: the reference, and ours by precision."""

    arm: Arm
    batch: int
    plain: plain.Training
    ours: dict[str, Trainer]
    auto: str  # the one of `ours` that the measured precision chose
    steps: Iterator[int]  # step numbers for `ours`

    def plain_step(self) -> None:
        """The reference's step."""
        self.plain.step(self.batch)

    def our_step(self, precision: str) -> None:
        """Our step."""
        self.ours[precision].step(next(self.steps))


def contenders(arm: Arm, batch: int, device: torch.device) -> Contenders:
    """Ours in fp32, in bf16 where the device has it, and in what `auto` chooses, if it differs."""
    measured = arm.trainer("auto", batch, device)
    found = {measured.precision, *measured.extractor.precision.values()}
    auto = found.pop() if len(found) == 1 else "auto"
    ours = {auto: measured}
    for precision in ("fp32", "bf16") if has_bf16(device) else ("fp32",):
        if precision not in ours:
            ours[precision] = arm.trainer(precision, batch, device)
    ours = {name: ours[name] for name in ("fp32", "bf16", "auto") if name in ours}
    return Contenders(arm, batch, arm.plain_training(device), ours, auto, count())


def describe_precision(extractor: Extractor, generator: str | None = None) -> str:
    """The networks' precisions, and the generator's; one word where all are equal."""
    parts = dict(extractor.precision)
    if generator is not None:
        parts["generator"] = generator
    if len(set(parts.values())) == 1:
        return next(iter(parts.values()))
    return ", ".join(f"{name} {precision}" for name, precision in parts.items())


def networks_alone(trainer: Trainer) -> Work:
    """The least that a step can cost: generator and networks forward, then backward.

    Only the last taps get a gradient, and one that exists already: no objective, no optimizer.
    """
    z = torch.randn(trainer.config.batch, LATENT, device=trainer.device)

    def work() -> None:
        with autocast(trainer.precision, trainer.device):
            images = trainer.generator(z)
        taps = trainer.extractor(signed_to_unit(images))
        roots = [taps[i] for i in trainer.extractor.roots]
        taps.clear()  # as our step does, so that the pass frees them
        torch.autograd.backward(roots, [root.detach() for root in roots])
        trainer.optimizer.zero_grad(set_to_none=True)

    return work
