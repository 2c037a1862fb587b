"""The folder of a trained generator, as training leaves it."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gfmn import generators


def saved(
    folder: Path,
    name: str = "dcgan",
    class_frequencies: tuple[float, ...] = (),
    latent: int = 16,
) -> nn.Module:
    """Save a random generator of 32 px in `folder`; returns it."""
    torch.manual_seed(0)
    generator = generators.build(name, 32, latent, class_frequencies)
    generator(torch.randn(64, latent))  # running statistics that are not the initial ones
    folder.mkdir(exist_ok=True)
    generators.save(generator, folder / "generator.safetensors")
    config = {"generator": name, "image_size": 32, "latent": latent}
    (folder / "config.json").write_text(json.dumps(config))
    return generator


def change_config(folder: Path, **fields: Any) -> None:
    """Replace fields of the folder's `config.json`."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
