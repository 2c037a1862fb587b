"""Extractor: selected taps of frozen networks, each network in its faster precision."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from gfmn.common.config import suggest
from gfmn.common.devices import PRECISIONS, Work, measured_precision
from gfmn.common.errors import InputError
from gfmn.networks import BatchNormMode, TappedNetwork
from gfmn.networks.extractor_file import file_digest, load_network, read_header
from gfmn.networks.tap_gradients import AffineGradient, TapGradient, inject_gradient
from gfmn.runtime.distributed import ALONE, World

TapSelection = str | int | Sequence[str]  # "all", the first or last n of each network, or names
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
TRIAL = 32  # images on which a network's precision is measured


@dataclass(frozen=True)
class Tap:
    """One activation of one network."""

    name: str  # such as vgg16.conv1_1
    shape: tuple[int, int, int]  # C, H, W


class Extractor(nn.Module):
    """Frozen networks of one extractor file, of which the selected taps are computed.

    `taps`: in forward order, networks in the file's order. `precision`: of each network, `fp32` or
    `bf16`. `batchnorm`: the mode in which the networks were frozen. `digest`: the file's sha256.
    Always in eval mode, channels-last, without gradients of its own; gradients flow through it to
    the images.
    """

    def __init__(
        self,
        networks: Mapping[str, TappedNetwork],
        selection: Mapping[str, Sequence[str]],
        image_size: int,
        precision: Mapping[str, str],
        digest: str,
        batchnorm: BatchNormMode = "eval",
    ) -> None:
        super().__init__()
        self.batchnorm = batchnorm
        used = {name: network for name, network in networks.items() if selection[name]}
        # A list, since a module dictionary refuses some names, such as `keys`.
        self.names, self.networks = tuple(used), nn.ModuleList(used.values())
        self.precision = {name: precision[name] for name in used}
        self.image_size, self.digest = image_size, digest
        self.tap_indices: dict[str, tuple[int, ...]] = {}  # of each network's selected taps
        taps: list[Tap] = []
        roots: list[int] = []  # taps at which the backward pass starts
        for name, network in used.items():
            shapes = network.tap_shapes(image_size)
            indices = tuple(network.tap_names.index(tap) for tap in selection[name])
            taps += [Tap(f"{name}.{network.tap_names[i]}", shapes[i]) for i in indices]
            count = 1 if network.chained else len(indices)
            roots += range(len(taps) - count, len(taps))
            self.tap_indices[name] = indices
        self.taps, self.roots = tuple(taps), tuple(roots)
        self.requires_grad_(False)
        self.eval()
        self.to(memory_format=torch.channels_last)
        for name, network in used.items():
            network.to_precision(DTYPES[self.precision[name]])

    def train(self, mode: bool = True) -> "Extractor":
        """Stay in eval mode, whatever the mode of a module that holds this one."""
        return super().train(False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """One tensor a selected tap: B x C x H x W, channels-last, in its network's precision.

        `images`: B x 3 x H x W float32 in [0, 1]. Each network stops after its last selected tap.
        """
        return list(self.stream(images))

    def stream(self, images: Tensor) -> Iterator[Tensor]:
        """The taps that `forward` returns, each as soon as it is computed.

        A caller that is done with one before it asks for the next finds it in the cache, and holds
        one at a time.
        """
        for name, module in zip(self.names, self.networks, strict=True):
            network, indices = cast(TappedNetwork, module), self.tap_indices[name]
            taps = network.stream(images, indices[-1] + 1)
            yield from (tap for i, tap in enumerate(taps) if i in indices)

    def backward(self, taps: list[Tensor], gradients: Sequence[TapGradient | None]) -> None:
        """Take the gradient by every tap back to the images; None: the objective ignores the tap.

        `taps` are what `forward` returned. Where each tap is computed from the one before, the
        pass starts at the last, and the other gradients are injected on the way. The list is
        emptied, so that each tap is freed after its use.
        """
        for i, (tap, gradient) in enumerate(zip(taps, gradients, strict=True)):
            if i not in self.roots and gradient is not None:
                inject_gradient(tap, gradient)
        roots = [taps[i] for i in self.roots]
        by_root = []
        for i, root in zip(self.roots, roots, strict=True):
            gradient = gradients[i]
            by_root.append(torch.zeros_like(root) if gradient is None else gradient.evaluate(root))
        taps.clear()
        del tap
        torch.autograd.backward(roots, by_root)


def load_extractor(
    path: str | Path,
    image_size: int,
    taps: TapSelection = "all",
    precision: str = "auto",
    world: World = ALONE,
    known: Mapping[str, str] | None = None,
    batchnorm: BatchNormMode = "eval",
) -> Extractor:
    """Read an extractor file for square images of `image_size` pixels.

    `taps`: see `select_taps`. `precision`: `fp32`, `bf16`, or `auto`: of each network whichever
    is faster on the world's device, as its first process measures, unless `known` has it already.
    `batchnorm`: see `TappedNetwork.freeze`. Raises `InputError` for a file that is missing,
    truncated, foreign or incomplete, and for a tap, precision or image size that its networks do
    not have.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision: expected one of {PRECISIONS}, found {precision!r}")
    headers = read_header(path).networks
    for header in headers:
        where = f"{path}: network {header.name!r}"
        check_image_size(header.describe(), image_size, header.image_size, where)
    selection = select_taps({header.name: header.taps for header in headers}, taps, str(path))
    networks = {h.name: load_network(path, h, batchnorm) for h in headers if selection[h.name]}
    precisions = {}
    for name, network in networks.items():
        choice = precision if precision != "auto" else (known or {}).get(name)
        if choice is None:
            measure = partial(
                faster_precision, name, network, selection[name], image_size, world.device
            )
            choice = world.choose(tuple(DTYPES), measure)
        precisions[name] = choice
    digest = file_digest(path)
    extractor = Extractor(networks, selection, image_size, precisions, digest, batchnorm)
    return extractor.to(world.device)


def faster_precision(
    name: str, network: TappedNetwork, taps: Sequence[str], image_size: int, device: torch.device
) -> str:
    """The precision in which a network's forward and backward pass take less time, measured."""
    images = torch.rand(TRIAL, 3, image_size, image_size, device=device)

    def make(precision: str) -> Work:
        trial = copy.deepcopy(network)
        extractor = Extractor({name: trial}, {name: taps}, image_size, {name: precision}, "")
        extractor.to(device)

        def work() -> None:
            values = extractor(images.requires_grad_())
            zeros = [torch.zeros(tap[0].numel(), device=device) for tap in values]
            extractor.backward(values, [AffineGradient(zero, zero) for zero in zeros])

        return work

    return measured_precision(make, device)


def select_taps(
    names: Mapping[str, Sequence[str]], taps: TapSelection, where: str
) -> dict[str, tuple[str, ...]]:
    """The selected taps of each network, in forward order; needs no weights.

    `names`: each network's taps. `taps`: `all`; n, the first n of each network; -n, the last n of
    each; or a list of names, `vgg16.conv1_1`, or `conv1_1` where one network alone has it. `where`
    begins every error, an `InputError`: a tap that no network has, or fewer taps than n.
    """
    if taps == "all":
        return {network: tuple(known) for network, known in names.items()}
    if isinstance(taps, int):
        for network, known in names.items():
            if not 1 <= abs(taps) <= len(known):
                has = f"{network!r} has {len(known)} taps"
                raise InputError(f"{where}: expected 1 to {len(known)} taps, {has}, found {taps}")
        part = slice(taps) if taps > 0 else slice(taps, None)
        return {network: tuple(known[part]) for network, known in names.items()}
    if isinstance(taps, str) or not taps:
        expected = "'all', a number or a list of taps"
        raise InputError(f"{where}: expected {expected}, found {taps!r}")
    chosen = [_find(names, tap, where) for tap in taps]
    for pair in chosen:
        if chosen.count(pair) > 1:
            raise InputError(f"{where}: expected each tap once, found {'.'.join(pair)!r} twice")
    return {n: tuple(tap for tap in known if (n, tap) in chosen) for n, known in names.items()}


def _find(names: Mapping[str, Sequence[str]], tap: str, where: str) -> tuple[str, str]:
    pairs = [(network, known) for network, taps in names.items() for known in taps]
    matches = [pair for pair in pairs if tap in (".".join(pair), pair[1])]
    if len(matches) > 1:
        full = " or ".join(".".join(pair) for pair in matches)
        raise InputError(f"{where}: expected {full}, found {tap!r}, which is ambiguous")
    if not matches:
        network, _, inner = tap.partition(".")
        if network not in names:
            if inner and not any("." in known for _, known in pairs):
                raise InputError(f"{where}: no network {network!r}; {suggest(network, names)}")
            network, inner = "", tap
        known = names[network] if network else [known for _, known in pairs]
        of = f"the {len(known)} taps of {network or ', '.join(names)}"
        raise InputError(f"{where}: no {inner!r} among {of}; {suggest(inner, known)}")
    return matches[0]


def check_image_size(
    network: TappedNetwork, image_size: int, trained_size: int | None, where: str
) -> None:
    """Raise `InputError` for an image size that the network does not take; needs no weights.

    `trained_size`: the only size that it takes, where there is one. `where` begins the error.
    """
    if trained_size is not None and image_size != trained_size:
        raise InputError(f"{where}: expected images of {trained_size} px, found {image_size} px")
    seen, multiple = network.resize or image_size, network.image_multiple
    if seen < 1 or seen % multiple:
        expected = f"a multiple of {multiple} px" if multiple > 1 else "at least 1 px"
        raise InputError(f"{where}: expected {expected}, found {seen} px")
    try:
        network.tap_shapes(image_size)
    except InputError as error:  # a library's network: only trying tells
        raise InputError(f"{where}: {error}") from None
