"""Weights in the layouts in which they are published."""

import io
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch

from gfmn.networks import build


def saved(state: Any, **options: Any) -> bytes:
    """What torch.save writes."""
    buffer = io.BytesIO()
    torch.save(state, buffer, **options)
    return buffer.getvalue()


def safetensors_file(state: Mapping[str, torch.Tensor]) -> bytes:
    return bytes(safetensors.torch.save({k: value.contiguous() for k, value in state.items()}))


def published_lite(name: str) -> dict[str, torch.Tensor]:
    """Our random state under the names in which the weights are published."""
    outside = {"stem.conv": "_conv_stem", "stem.norm": "_bn0", "head.conv": "_conv_head"}
    outside |= {"head.norm": "_bn1", "classifier": "_fc"}
    inside = {"expand.conv": "_expand_conv", "expand.norm": "_bn0", "depthwise.norm": "_bn1"}
    inside |= {"depthwise.conv": "_depthwise_conv", "project.conv": "_project_conv"}
    inside |= {"project.norm": "_bn2"}
    state = {}
    for key, value in build(name).state_dict().items():
        layer, _, kind = key.rpartition(".")
        block, _, part = layer.partition(".")
        if block.startswith("block"):
            layer = f"_blocks.{int(block[5:]) - 1}.{inside[part]}"
        else:
            layer = outside[layer]
        state[f"{layer}.{kind}"] = value
    return state
