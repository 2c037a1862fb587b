"""Checkpoints as the paper's authors published theirs, recognized and converted to ours.

A network is recognized by the names and shapes of its tensors.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.common.regular_files import read_bytes
from gfmn.networks import TappedNetwork, describe
from gfmn.networks.extractor_file import NetworkRecord, check_state, expected_state
from gfmn.weights.checkpoints import Checkpoint, read_checkpoint
from gfmn.weights.hashes import digest
from gfmn.weights.layouts import LAYOUTS, classifier_keys, plain, vgg_modules

State = dict[str, Tensor]


@dataclass(frozen=True)
class Imported:
    """A network of ours, and what the import left out or looked at on the way."""

    record: NetworkRecord
    checkpoint: Checkpoint
    dropped: tuple[str, ...]  # tensors that our network does not have
    trained_size: int | None  # pixels; None: nothing tells

    @property
    def network(self) -> TappedNetwork:
        """Ours, without storage."""
        return describe(self.record.architecture, **self.record.arguments)


def import_checkpoint(
    path: Path,
    name: str | None = None,
    normalization: Mapping[str, Sequence[float]] | None = None,
    channels: str = "rgb",
) -> Imported:
    """A checkpoint as a network's record; `name`: of the network, by default the architecture's.

    `normalization`: `mean` and `std` of the images that it was trained on, of the unit range and in
    the order of its `channels`, where they are not the architecture's own.
    Raises `InputError` for a file that is missing, damaged, or of no network of ours.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: expected a checkpoint, found: {reason}") from None
    checkpoint = read_checkpoint(data, str(path))
    architecture, sizes, state = recognize(checkpoint.state, str(path))
    stated = {key: list(values) for key, values in (normalization or {}).items()}
    if channels == "bgr":
        first = next(key for key, value in state.items() if value.ndim == 4)
        state[first] = state[first].flip(1).contiguous()
        stated = {key: values[::-1] for key, values in stated.items()}
    arguments: dict[str, Any] = {**sizes, **stated}
    check_state(state, _described(architecture, arguments, path), str(path))
    dropped = tuple(classifier_keys(checkpoint.state))
    size = _trained_size(checkpoint.state)
    provenance = {
        "kind": "published checkpoint",
        "file": path.name,
        "sha256": digest(data),
        "container": checkpoint.container,
        "classes": list(checkpoint.classes),
        "facts": checkpoint.facts,
        "trained_size": size,
        "dropped": list(dropped),
    }
    record = NetworkRecord(
        name or architecture,
        architecture,
        state,
        provenance,
        arguments,
        arguments.get("image_size"),
    )
    return Imported(record, checkpoint, dropped, size)


def _described(architecture: str, arguments: Mapping[str, Any], path: Path) -> TappedNetwork:
    try:
        return describe(architecture, **arguments)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def recognize(state: State, name: str) -> tuple[str, dict[str, int], State]:
    """The architecture whose tensors these are, its arguments, and its state dict.

    `name` begins every error, an `InputError`: the tensors of no network that is known.
    """
    encoder = _encoder(plain(state))
    if encoder is not None:
        return encoder
    try:
        architecture = _architecture(state)
        return architecture, {}, LAYOUTS[architecture](state)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _architecture(state: State) -> str:
    if "layer1.0.conv1.weight" in state:
        return "resnet18"
    if "features.0.weight" not in state:
        first = ", ".join(map(repr, list(state)[:3]))[:120]
        raise InputError(
            f"expected a VGG (features.0.weight), a ResNet18 (layer1.0.conv1.weight) or a "
            f"DCGAN encoder, found {len(state)} tensors: {first}"
        )
    found = {key.removesuffix(".weight") for key in state if re.match(r"features\..*weight$", key)}
    for architecture in LAYOUTS:
        if (
            re.fullmatch(r"vgg\d+(_bn)?", architecture)
            and found == vgg_modules(architecture).keys()
        ):
            return architecture
    raise InputError(
        f"expected a VGG of 11, 13, 16 or 19 layers with or without batch norm, "
        f"found another one, with {len(found)} layers of weights"
    )


def _encoder(state: State) -> tuple[str, dict[str, int], State] | None:
    """A DCGAN encoder under any names: convolutions and batch norms by turns, in forward order."""
    kernels = [key for key, value in state.items() if value.ndim == 4]
    if not kernels or tuple(state[kernels[0]].shape) != (64, 3, 4, 4):
        return None
    size, latent = {6: 32, 7: 64, 8: 128}.get(len(kernels)), state[kernels[-1]].shape[0]
    if size is None or latent == 0:
        return None
    arguments = {"image_size": size, "latent": latent}
    expected = expected_state(describe("dcgan_encoder", **arguments))
    kinds = [key.rpartition(".")[2] for key in state]
    if kinds != [key.rpartition(".")[2] for key in expected]:
        return None
    return "dcgan_encoder", arguments, dict(zip(expected, state.values(), strict=True))


def _trained_size(state: State) -> int | None:
    """From the classifier's input: 512 maps, each a 32nd of the image's height and width."""
    for key in ("classifier.weight", "classifier.0.weight", "linear.weight"):
        value = state.get(key)
        if value is not None and value.ndim == 2:
            places = value.shape[-1] / 512
            side = round(places**0.5)
            return 32 * side if side and side * side == places else None
    return None
