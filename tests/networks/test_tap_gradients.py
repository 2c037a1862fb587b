"""Gradients injected at taps: their sum over taps, their memory and their compiled kernels."""

import copy
import functools
import gc
import weakref
from collections.abc import Mapping, Sequence

import pytest
import torch
from builders.compilation import eager_and_compiled
from builders.convolutions import BF16, FP32, convolution, inputs, packs
from builders.networks import randomized
from torch import Tensor
from torch.nn import functional as F

from gfmn.features.extractor import Extractor
from gfmn.networks import TappedNetwork, build, describe
from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.rows import from_rows, rows
from gfmn.networks.tap_gradients import AffineGradient, inject_gradient


def random_gradient(tap: Tensor, generator: torch.Generator) -> AffineGradient:
    return AffineGradient(*torch.randn(2, tap[0].numel(), generator=generator))


@pytest.mark.parametrize(("dtype", "bound"), [(FP32, 1e-5), pytest.param(BF16, 0.02, marks=packs)])
def test_injected_gradients_equal_autograd(dtype: torch.dtype, bound: float) -> None:
    """Taps of `ConvReLU`s and of other layers, in a chain with a branch."""
    layers = [convolution(*channels, dtype, seed=9) for channels in ((3, 8), (8, 8), (8, 8))]

    def taps(x: Tensor, fused: bool) -> list[Tensor]:
        def run(i: int, x: Tensor, residual: Tensor | None = None) -> Tensor:
            if fused:
                return layers[i](x, residual)
            y = F.conv2d(x, layers[i].weight, layers[i].bias, padding=1)
            return F.relu(y if residual is None else y + residual)

        first = run(0, x)
        relu6 = F.relu6(F.avg_pool2d(first, 2) * 3)
        third = run(1, relu6)
        return [first, relu6, third, run(2, third, relu6)]

    x = inputs(5, 3, 8, 8, dtype=dtype)
    ours, theirs = taps(x, fused=True), taps(x, fused=False)
    gradients = [random_gradient(tap, torch.Generator().manual_seed(5)) for tap in ours]
    for tap, gradient in zip(ours[:-1], gradients[:-1], strict=True):
        inject_gradient(tap, gradient)
    torch.autograd.backward(ours[-1], gradients[-1].evaluate(ours[-1]))
    found, x.grad = x.grad, None
    by_tap = [
        from_rows(offset + scale * rows(tap.detach()), tap.shape[1:]).to(dtype)
        for tap, (offset, scale) in zip(theirs, gradients, strict=True)
    ]
    torch.autograd.backward(theirs, by_tap)
    assert (found - x.grad).norm() < bound * x.grad.norm()


def test_conv_relu_takes_the_gradient_and_other_taps_a_hook() -> None:
    tap = convolution(3, 8, FP32)(inputs(5, 3, 8, 8))
    gradient = random_gradient(tap, torch.Generator().manual_seed(5))
    inject_gradient(tap, gradient)
    assert tap.grad_fn.tap_gradient is gradient and not tap._backward_hooks
    other = tap * 2
    inject_gradient(other, gradient)
    assert len(other._backward_hooks) == 1


VGG, RESNET = describe("vgg19_bn").tap_names, describe("resnet18").tap_names
LITE = describe("efficientnet_lite0").tap_names[::4]  # of every kind


@functools.cache
def network(name: str) -> TappedNetwork:
    """With random weights and its batch norms folded; to be copied."""
    result = randomized(build(name))
    assert isinstance(result, TappedNetwork)
    result.freeze()
    return result


def images() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)).requires_grad_()


Contribution = tuple[AffineGradient, Tensor]


@functools.cache
def contributions(name: str) -> dict[str, Contribution]:
    """For every tap a gradient, and the image gradient that it makes, of length 1.

    By autograd through single operations.
    """
    plain, x = copy.deepcopy(network(name)), images()
    for layer in plain.modules():
        if isinstance(layer, ConvReLU):
            layer.kernels = None  # as before freezing
    found: dict[str, Contribution] = {}
    generator = torch.Generator().manual_seed(5)
    taps = dict(zip(plain.tap_names, plain(x), strict=True))
    for tap_name in LITE if name == "efficientnet_lite0" else taps:
        tap = taps[tap_name]
        offset, scale = random_gradient(tap, generator)
        by_tap = from_rows(offset + scale * rows(tap.detach()), tap.shape[1:])
        (by_x,) = torch.autograd.grad(tap, x, by_tap, retain_graph=True)
        size = by_x.norm()
        found[tap_name] = AffineGradient(offset / size, scale / size), by_x / size
    return found


def extractor(selection: Mapping[str, Sequence[str]], precision: str) -> Extractor:
    networks = {name: copy.deepcopy(network(name)) for name in selection}
    return Extractor(networks, selection, 32, dict.fromkeys(networks, precision), "")


@pytest.mark.parametrize(
    "selection",
    [
        {"vgg19_bn": VGG},
        {"resnet18": RESNET},
        {"efficientnet_lite0": LITE},
        {"vgg19_bn": VGG[:1], "resnet18": RESNET[:4]},
        {"resnet18": ("block1_2b", "block2_1a", "block3_1b"), "vgg19_bn": ("conv3_2",)},
        {"vgg19_bn": VGG, "efficientnet_lite0": LITE[:-2], "resnet18": RESNET},
    ],
    ids=["vgg19_bn", "resnet18", "lite", "first", "middle", "three"],
)
def test_image_gradient_is_the_sum_over_taps(
    selection: Mapping[str, Sequence[str]],
) -> None:
    chosen = [contributions(name)[tap] for name, taps in selection.items() for tap in taps]
    network, x = extractor(selection, "fp32"), images()
    network.backward(network(x), [gradient for gradient, _ in chosen])
    assert x.grad is not None
    error = (x.grad - sum(by_x for _, by_x in chosen)).norm()
    assert error < 1e-4  # each tap's part has length 1


@packs
@pytest.mark.parametrize("selection", [{"vgg19_bn": VGG}, {"resnet18": RESNET}])
def test_injected_gradients_in_bf16_equal_roots(selection: Mapping[str, Sequence[str]]) -> None:
    """Against a backward pass that starts at every tap."""
    gradients = [contributions(name)[tap][0] for name, taps in selection.items() for tap in taps]
    network, x = extractor(selection, "bf16"), images()
    network.backward(network(x), gradients)
    taps = network(x)
    by_tap = [gradient.evaluate(tap) for tap, gradient in zip(taps, gradients, strict=True)]
    (expected,) = torch.autograd.grad(taps, x, by_tap)
    assert x.grad is not None
    # Each tap's part has length about 1, and each layer rounds the gradient by less than 1/256.
    assert (x.grad - expected).norm() < 0.1


@pytest.mark.parametrize("use", ["backward", "inject alone", "forward alone"])
@pytest.mark.parametrize("dtype", [FP32, pytest.param(BF16, marks=packs)])
def test_step_leaves_nothing_in_memory(dtype: torch.dtype, use: str) -> None:
    """Without the garbage collector, since a step's memory must be free before the next."""
    layers = [convolution(*channels, dtype) for channels in ((3, 8), (8, 8), (8, 8))]
    watched: list[weakref.ref] = []

    def step() -> None:
        x = inputs(4, 3, 4, 4, dtype=dtype)
        first = layers[0](x)
        relu6 = F.relu6(first * 3)
        taps = [first, relu6, layers[1](F.max_pool2d(relu6, 2))]
        taps.append(layers[2](taps[-1], taps[-1]))
        gradients = [AffineGradient(*(torch.ones(tap[0].numel()) for _ in "ab")) for tap in taps]
        if use != "forward alone":
            for tap, gradient in zip(taps[:-1], gradients[:-1], strict=True):
                inject_gradient(tap, gradient)
        if use == "backward":
            torch.autograd.backward(taps[-1], gradients[-1].evaluate(taps[-1]))
        kept = [x, *taps, *(part for gradient in gradients for part in gradient)]
        kept += [taps[i].grad_fn for i in (0, 2, 3)]  # their contexts, which hold the outputs
        watched.extend(weakref.ref(thing) for thing in kept)

    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            step()
        assert len(watched) == 3 * (1 + 4 + 8 + 3)
        assert not any(reference() is not None for reference in watched)
    finally:
        gc.enable()


PROBE = """
import torch
from gfmn.features.extractor import Extractor
from gfmn.networks.efficientnet_lite import EfficientNetLite
from gfmn.networks.resnet import ResNet18
from gfmn.networks.tap_gradients import AffineGradient
from gfmn.networks.vgg import VGG

torch.manual_seed(0)
made = {"vgg": VGG((1, 1, 1, 1, 1)), "resnet": ResNet18(), "lite": EfficientNetLite(0.2, 0.2)}
images, found = torch.rand(8, 3, 16, 16), []
for precision in ("fp32", "bf16"):
    for name, network in made.items():
        network.freeze()
        names = {name: network.tap_names}
        extractor = Extractor({name: network}, names, 16, {name: precision}, "")
        for count in (8, 6):
            x = images[:count].clone().requires_grad_()
            with torch.no_grad():
                still = extractor(x)
            taps = extractor(x)
            assert all(torch.equal(a, b) for a, b in zip(taps, still, strict=True))
            widths = [tap[0].numel() for tap in taps]
            parts = [(torch.linspace(-1, 1, n) / n, torch.full((n,), 1 / n)) for n in widths]
            extractor.backward(taps, [AffineGradient(*part) for part in parts])
            found.append(x.grad)
"""


def test_compiled_gradients_equal_eager_in_few_graphs(tmp_path) -> None:
    # The probe and five kernels in two precisions, whatever the widths and batches.
    pairs = eager_and_compiled(PROBE, tmp_path, graphs=11)
    for i, (eager, compiled) in enumerate(pairs):
        error = (compiled - eager).norm() / eager.norm()
        # In bf16 a sum near a tie may be rounded to either side.
        assert error < (1e-4 if i < len(pairs) // 2 else 0.02), i
