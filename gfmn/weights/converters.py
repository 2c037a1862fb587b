"""From published weights to a network's record: fetch, convert to our state dict, check."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from gfmn.common.config import Config, suggest
from gfmn.common.errors import InputError
from gfmn.networks import ARCHITECTURES, FOR_SCORES, TappedNetwork, describe
from gfmn.networks.extractor_file import (
    NetworkRecord,
    check_state,
    expected_state,
    save_extractor,
    summary,
)
from gfmn.networks.vgg import DEPTHS
from gfmn.weights import LocalFile, Source, WebFile, fetch
from gfmn.weights.containers import (
    is_safetensors,
    is_torch_file,
    read_extractor,
    read_pickled_arrays,
    read_state_dict,
)
from gfmn.weights.layouts import adapted, lite_from_torch, resnet_from_torch, vgg_from_torchvision
from gfmn.weights.sources import parse as parse_source

State = dict[str, Tensor]
ADAPTERS = ("torchvision:", "timm:")  # begin the names of the libraries' own models
# The layout in which an architecture's weights are published, and what renames it to ours.
LAYOUTS: dict[str, Callable[[Mapping[str, Tensor], TappedNetwork, str], State]] = {
    **dict.fromkeys([*DEPTHS, *(f"{name}_bn" for name in DEPTHS)], vgg_from_torchvision),
    "resnet18": resnet_from_torch,
    **dict.fromkeys(["efficientnet_lite0", "efficientnet_lite2"], lite_from_torch),
}


class PublishedNetwork(Config):
    """A network whose weights somebody has published."""

    architecture: str
    source: Source

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """As any `Config`; the source is parsed as its kind."""
        if isinstance(data, Mapping) and "source" in data:
            data = {**data, "source": parse_source(data["source"], f"{where}.source")}
        return super().parse(data, where)

    @property
    def arguments(self) -> dict[str, Any]:
        """The architecture's, beside its name."""
        return {}

    @property
    def known(self) -> tuple[str, ...]:
        """Architectures that have published weights, and a layout that is known here."""
        if isinstance(self.source, LocalFile | WebFile):  # the file may be of our own format
            return tuple(ARCHITECTURES)
        return tuple(LAYOUTS)


class FetchedNetwork(PublishedNetwork):
    """A published network as an extractor: what it taps, and the size at which it looks."""

    # Of a library's model; ours have their own.
    taps: Literal["stages", "activations"] | tuple[str, ...] | None = None
    resize: int | None = Field(None, ge=1)  # pixels; None: images as they are

    @field_validator("taps")
    @classmethod
    def _of_an_adapter(cls, taps: Any, info: ValidationInfo) -> Any:
        _adapters_alone(taps, info)
        return taps

    @property
    def arguments(self) -> dict[str, Any]:
        """The architecture's, beside its name: JSON values, and only those that are given."""
        taps = list(self.taps) if isinstance(self.taps, tuple) else self.taps
        given = {"taps": taps, "resize": self.resize}
        return {key: value for key, value in given.items() if value is not None}


class FetchedEvaluator(PublishedNetwork):
    """A published network in whose features images are scored."""

    resize: int | None = Field(None, ge=1)  # pixels at which it looks; None: images as they are
    # Of a library's model: those of its classifier; None: it has none, or it is left out.
    classes: int | None = Field(None, ge=2)

    @field_validator("classes")
    @classmethod
    def _of_an_adapter(cls, classes: int | None, info: ValidationInfo) -> int | None:
        _adapters_alone(classes, info)
        return classes

    @property
    def arguments(self) -> dict[str, Any]:
        """The architecture's, beside its name; no taps are looked at."""
        given = {"resize": self.resize, "classes": self.classes}
        arguments: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        return {"taps": [], **arguments} if is_adapter(self.architecture) else arguments

    @property
    def known(self) -> tuple[str, ...]:
        """Some networks serve scores alone."""
        return (*super().known, *FOR_SCORES)


def _adapters_alone(value: Any, info: ValidationInfo) -> None:
    """Refuse a field that only a library's model has."""
    architecture = info.data.get("architecture", "")
    if value is not None and not is_adapter(architecture):
        known = " or ".join(f"{prefix}..." for prefix in ADAPTERS)
        raise ValueError(f"expected none, since {architecture!r} is not {known}")


def is_adapter(architecture: str) -> bool:
    """Whether the network is a library's own model."""
    return architecture.startswith(ADAPTERS)


def fetch_network(name: str, network: PublishedNetwork, where: str) -> NetworkRecord:
    """Download (or read), verify and convert a network's weights.

    A file of our own format is taken as it is, with its arguments. `where` is the parameter that
    describes the network and begins every error, an `InputError`. The architecture is checked
    before anything is downloaded.
    """
    architecture, arguments = network.architecture, network.arguments
    described(network, where)
    data, provenance = fetch(network.source, f"{where}.source", architecture)
    label = f"{where}.source: {network.source.label}"
    ours = read_extractor(data, label, architecture)
    if ours is None:
        state = convert(architecture, data, label, **arguments)
        return NetworkRecord(name, architecture, state, provenance, arguments)
    header, state = ours
    arguments = {**header.arguments, **arguments}
    check_state(state, describe(architecture, **arguments), label)
    provenance["network"] = header.provenance
    return NetworkRecord(name, architecture, state, provenance, arguments, header.image_size)


def save_fetched(path: Path, name: str, network: PublishedNetwork, where: str) -> str:
    """Fetch a network into a file of its own; returns the line that sums it up."""
    save_extractor(path, [fetch_network(name, network, where)])
    return summary(path)


def described(network: PublishedNetwork, where: str) -> TappedNetwork:
    """A published network without its weights; `InputError` for one whose layout is not known."""
    architecture = network.architecture
    if architecture not in network.known and not is_adapter(architecture):
        raise InputError(
            f"{where}.architecture: no published weights for {architecture!r}; "
            f"{suggest(architecture, network.known)}"
        )
    try:
        return describe(architecture, **network.arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def convert(architecture: str, data: bytes, name: str, **arguments: Any) -> State:
    """A published file's bytes as the state dict of `architecture`, float32, contiguous.

    `arguments` are the architecture's. `name` is the file's and begins every error, an
    `InputError`: another layout or other shapes.
    """
    network = describe(architecture, **arguments)
    state = _converted(architecture, data, network, name)
    check_state(state, network, name)
    return state


def _converted(architecture: str, data: bytes, network: TappedNetwork, name: str) -> State:
    if architecture == "vgg16" and not (is_safetensors(data) or is_torch_file(data)):
        return vgg_from_flax(data, network, name)
    state = read_state_dict(data, name)
    if is_adapter(architecture) or architecture in FOR_SCORES:
        return adapted(state, expected_state(network))
    if architecture in LAYOUTS:
        return LAYOUTS[architecture](state, network, name)
    raise InputError(
        f"{name}: expected an extractor file with {architecture!r}, found another; "
        "`python -m gfmn.weights import` makes one of a checkpoint"
    )


def vgg_from_flax(data: bytes, network: TappedNetwork, name: str) -> State:
    """`VGG16_0/Conv_{0..12}/{kernel,bias}`, kernels height x width x in x out, in a pickle."""
    tree = read_pickled_arrays(data, name)
    state = {}
    for i, tap in enumerate(network.tap_names):
        layer = _at(tree, f"VGG16_0/Conv_{i}", name)
        kernel, bias = (_at(layer, key, name) for key in ("kernel", "bias"))
        if np.ndim(kernel) != 4:
            found = f"{np.ndim(kernel)} axes"
            raise InputError(f"{name}: VGG16_0/Conv_{i}/kernel: expected 4 axes, found {found}")
        for key, array in (("weight", kernel.transpose(3, 2, 0, 1)), ("bias", bias)):
            state[f"{tap}.{key}"] = torch.from_numpy(np.array(array, np.float32, order="C"))
    return state


def _at(tree: Any, path: str, name: str) -> Any:
    for key in path.split("/"):
        if not isinstance(tree, Mapping) or key not in tree:
            raise InputError(f"{name}: expected {path}, found no {key}")
        tree = tree[key]
    return tree
