"""Extractor files of small networks, and the line that a refusal ends in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gfmn.common.errors import InputError
from gfmn.networks import build
from gfmn.networks.extractor_file import (
    NetworkRecord,
    combine,
    save_extractor,
)


def record(name: str = "net", architecture: str = "dcgan_encoder", **changes: Any) -> NetworkRecord:
    """Random weights, of a small network by default."""
    torch.manual_seed(0)
    network = build(architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    facts: dict[str, Any] = {"provenance": {"b": "x", "a": 1}, "image_size": None}
    if architecture == "dcgan_encoder":
        facts |= {"image_size": 32, "arguments": {"image_size": 32, "latent": 128}}
    return NetworkRecord(name, architecture, network.state_dict(), **{**facts, **changes})


def line(call: Callable[..., Any], *arguments: Any) -> str:
    """The InputError's message, which is one line."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def encoder_file(folder: Path) -> Path:
    """A small encoder with random weights."""
    path = folder / "enc.safetensors"
    save_extractor(path, [record("enc")])
    return path


def combined_file(encoder: Path) -> Path:
    """A combined extractor of the encoder and a Lite0; it and the Lite0 next to the encoder."""
    lite, out = encoder.with_name("lite.safetensors"), encoder.with_name("both.safetensors")
    save_extractor(lite, [record("lite", "efficientnet_lite0")])
    combine([encoder, lite], out)
    return out
