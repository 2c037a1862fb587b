"""The part `agreement`: the device computes what the CPU does, eagerly and compiled."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.gpu_check.check import Check, agree
from benchmarks.gpu_check.modes import deterministic, kernels, tf32
from benchmarks.gpu_check.setting import Setting
from gfmn.common.compiling import compiler_present
from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.features.extractor import Extractor
from gfmn.features.moments import Layout, batch_moments
from gfmn.features.statistics import extract
from gfmn.networks.rows import rows
from gfmn.training.objectives import OBJECTIVES
from gfmn.training.trainer import Inputs

# Largest relative errors, of a tap or of one tensor of weights.
MOMENTS = 1e-5  # float32 sums over a batch, against float64 sums of the same numbers
# Of two implementations of convolutions that round differently. An activation near 0 is on in one
# of them and off in the other, and its gradient with it; ADAM's first update is a rate times the
# gradient's sign. Measured on a CPU, convolutions in float32 against float64, VGG16's weights and
# a random VGG19: statistics 6e-7, gradient 4e-5 and 2e-3, update 7e-3 and 4e-2.
STATISTICS, GRADIENT, UPDATE = 1e-4, 1e-2, 2e-1
# The same with 10 bits of mantissa, measured: statistics 7e-4, gradient 1e-1.
TF32_STATISTICS, TF32_GRADIENT = 1e-2, 3e-1
# Compiled kernels against eager ones after the same convolutions. Measured on a CPU: 1e-6.
COMPILED = 1e-4

Step = tuple[dict[str, Tensor], dict[str, Tensor]]  # gradients and changes of the weights, by name
Found = tuple[dict[str, Tensor], dict[str, Step]]  # statistics, and steps by objective


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Moments against float64, the device against the CPU, compiled against eager kernels."""
    compiler = compiler_present()
    with kernels("eager"), tf32(False), deterministic():
        expected = compute(setting, setting.inputs("cpu"))
        inputs = setting.inputs()
        yield from moments(setting, inputs.extractor, "eager")
        eager = compute(setting, inputs)
        yield from compare_with_cpu(eager, expected)
    if compiler:
        with kernels("compiled"), tf32(False), deterministic():
            yield from moments(setting, inputs.extractor, "compiled")
            yield from compare("compiled, eager", compute(setting, inputs), eager, COMPILED)
    if setting.on_gpu:
        with kernels("eager"), tf32(True):
            found = compute(setting, inputs)
        limits = (TF32_STATISTICS, TF32_GRADIENT)
        yield from compare(f"{setting.device} with TF32, CPU", found, expected, *limits)


def compute(setting: Setting, inputs: Inputs) -> Found:
    """Statistics of some images, and one step of every objective from the same weights."""
    steps = {name: one_step(setting, inputs, name) for name in sorted(OBJECTIVES)}
    return statistics(setting, inputs.extractor), steps


def compare_with_cpu(found: Found, expected: Found) -> Iterator[Check]:
    """Statistics, gradients and updates."""
    yield from compare("device, CPU", found, expected, STATISTICS, GRADIENT)
    for name, (_, change) in expected[1].items():
        yield agree(f"device, CPU: first update of {name}", found[1][name][1], change, UPDATE)


def compare(
    what: str, found: Found, expected: Found, tolerance: float, of_gradients: float | None = None
) -> Iterator[Check]:
    """Statistics, and the gradient of every objective."""
    yield agree(f"{what}: statistics", found[0], expected[0], tolerance)
    for name, (gradient, _) in expected[1].items():
        limit = of_gradients or tolerance
        yield agree(f"{what}: gradient of {name}", found[1][name][0], gradient, limit)


@torch.no_grad()
def moments(setting: Setting, extractor: Extractor, mode: str) -> Iterator[Check]:
    """A batch's moments by the project's kernels, against float64 on the CPU."""
    images = bytes_to_unit(setting.real_images()[: setting.batch]).to(setting.torch_device)
    layout = Layout(tuple(tap.shape for tap in extractor.taps))
    for dtype in (torch.float32, torch.bfloat16):
        taps = [tap.to(dtype) for tap in extractor(images)]
        shift = torch.cat([rows(tap)[0].float() for tap in taps])
        first, second = batch_moments(taps, shift, layout)
        found, expected = {}, {}
        for tap, values, place in zip(extractor.taps, taps, layout.slices(), strict=True):
            gaps = rows(values).cpu().double() - shift[place].cpu().double()
            for name, moment, power in (("first", first, 1), ("second", second, 2)):
                found[f"{tap.name}, {name}"] = moment[place]
                expected[f"{tap.name}, {name}"] = gaps.pow(power).mean(0)
        kind = str(dtype).removeprefix("torch.")
        yield agree(f"{mode}, float64: moments of {kind} taps", found, expected, MOMENTS)


def statistics(setting: Setting, extractor: Extractor) -> dict[str, Tensor]:
    """Mean and variance of every tap over some images, in one pass of a few batches."""
    images = setting.real_images()[: 4 * setting.batch]
    with Progress("statistics", len(images), "images", silent=True) as progress:
        mean, variance = extract(images, extractor, setting.batch, progress)
    found = {f"{name}, mean": value for name, value in mean.items()}
    return found | {f"{name}, variance": value for name, value in variance.items()}


def one_step(setting: Setting, inputs: Inputs, objective: str) -> Step:
    """What a training's first step does to the generator."""
    trainer = setting.trainer(inputs, objective=objective)
    names = [name for name, _ in trainer.generator.named_parameters()]
    before = [weight.detach().clone() for weight in trainer.weights]
    trainer.step(0)
    # ADAM's first moment is (1 - beta1) times the first gradient.
    averages = [trainer.optimizer.state[weight]["exp_avg"] for weight in trainer.weights]
    changes = [w.detach() - old for w, old in zip(trainer.weights, before, strict=True)]
    return dict(zip(names, averages, strict=True)), dict(zip(names, changes, strict=True))
