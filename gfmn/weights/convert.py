"""From published weights to a network's record: fetch, convert to our state dict, check."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks import FOR_EXTRACTORS, FOR_SCORES, TappedNetwork, describe
from gfmn.networks.extractor_file import (
    NetworkRecord,
    check_state,
    expected_state,
    save_extractor,
    summary,
)
from gfmn.weights.config import (
    LIBRARIES,
    FetchedEvaluator,
    LocalFile,
    PublishedNetwork,
    TorchvisionWeights,
    WebFile,
)
from gfmn.weights.containers import (
    is_safetensors,
    is_torch_file,
    read_extractor,
    read_pickled_arrays,
    read_state_dict,
)
from gfmn.weights.fetching import fetch
from gfmn.weights.hubs import torchvision_normalization
from gfmn.weights.layouts import LAYOUTS, library_model

State = dict[str, Tensor]


def save_fetched(path: Path, name: str, network: PublishedNetwork, where: str) -> str:
    """Fetch a network into a file of its own; returns the line that sums it up."""
    save_extractor(path, [fetch_network(name, network, where)])
    return summary(path)


def fetch_network(name: str, network: PublishedNetwork, where: str) -> NetworkRecord:
    """Download (or read), verify and convert a network's weights.

    A file of our own format is taken as it is, with its arguments. `where` is the parameter that
    describes the network and begins every error, an `InputError`. The architecture is checked
    before anything is downloaded.
    """
    architecture, arguments = network.architecture, network.arguments
    describe_published(network, where)
    data, provenance = fetch(network.source, f"{where}.source", architecture)
    if isinstance(network.source, TorchvisionWeights):
        arguments |= torchvision_normalization(network.source, provenance["model"])
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


def describe_published(network: PublishedNetwork, where: str) -> TappedNetwork:
    """A published network without its weights.

    `where` begins every error, an `InputError`: an architecture whose published layout is not
    known here, a URL with a password.
    """
    architecture, source = network.architecture, network.source
    known = _known_architectures(network)
    if architecture not in known and not network.is_library_model:
        raise InputError(
            f"{where}.architecture: no published weights for {architecture!r}; "
            f"{suggest(architecture, known)}"
        )
    if isinstance(source, WebFile) and source.has_login:
        raise InputError(
            f"{where}.source.url: expected no user and password (~/.netrc is the place for them), "
            f"found a URL with them"
        )
    try:
        return describe(architecture, **network.arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _known_architectures(network: PublishedNetwork) -> tuple[str, ...]:
    """Those that a source's file can be of."""
    # Such a file may be of our own format, which needs no layout.
    any_format = isinstance(network.source, LocalFile | WebFile)
    known = tuple(FOR_EXTRACTORS if any_format else LAYOUTS)
    return (*known, *FOR_SCORES) if isinstance(network, FetchedEvaluator) else known


def convert(architecture: str, data: bytes, name: str, **arguments: Any) -> State:
    """A published file's bytes as the state dict of `architecture`, float32, contiguous.

    `arguments` are the architecture's. `name` is the file's and begins every error, an
    `InputError`: another layout or other shapes.
    """
    network = describe(architecture, **arguments)
    if architecture == "vgg16" and not (is_safetensors(data) or is_torch_file(data)):
        state = vgg_from_flax(data, network, name)
    else:
        state = _renamed(architecture, read_state_dict(data, name), network, name)
    check_state(state, network, name)
    return state


def _renamed(architecture: str, state: State, network: TappedNetwork, name: str) -> State:
    if architecture.startswith(LIBRARIES) or architecture in FOR_SCORES:
        return library_model(state, expected_state(network))
    if architecture not in LAYOUTS:
        raise InputError(
            f"{name}: expected an extractor file with {architecture!r}, found another; "
            "`gfmn import` makes one of a checkpoint"
        )
    try:
        return LAYOUTS[architecture](state)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


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
