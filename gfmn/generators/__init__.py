"""Generators by name, and the file that holds a trained one."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from gfmn.errors import InputError
from gfmn.generators.dcgan import DCGAN
from gfmn.generators.resnet import ResNet

GENERATORS: dict[str, Any] = {"dcgan": DCGAN, "resnet": ResNet}
IMAGE_SIZES = (32, 64, 128)  # pixels that every generator can make


def build(name: str, image_size: int, latent: int) -> nn.Module:
    """A fresh generator on the CPU, channels-last; its weights come from torch's global seed."""
    generator: nn.Module = GENERATORS[name](image_size=image_size, latent=latent)
    return generator.to(memory_format=torch.channels_last)


def save(generator: nn.Module, path: Path) -> None:
    """Weights and batch-norm statistics as safetensors; `config.json` beside it says the rest."""
    state = {key: value.contiguous().cpu() for key, value in generator.state_dict().items()}
    save_file(state, path)


def load(folder: Path) -> tuple[nn.Module, dict[str, Any]]:
    """A trained generator in evaluation mode and its `config.json`, from a run's model folder."""
    path = folder / "generator.safetensors"
    try:
        config = json.loads((folder / "config.json").read_text())
        generator = build(config["generator"], config["image_size"], config["latent"])
        generator.load_state_dict(load_file(path))
    except (OSError, ValueError, KeyError, SafetensorError, RuntimeError) as error:
        found = " ".join(str(error).split())
        raise InputError(f"{path}: expected a trained generator, found {found}") from None
    return generator.eval(), config
