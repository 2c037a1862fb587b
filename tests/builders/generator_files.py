"""A generator's folder as training leaves it."""

import json

import torch

from gfmn import generators


def saved(folder, name: str = "dcgan"):
    torch.manual_seed(0)
    generator = generators.build(name, 32, 16)
    generator(torch.randn(64, 16))  # averages that are not the initial ones
    folder.mkdir(exist_ok=True)
    generators.save(generator, folder / "generator.safetensors")
    config = {"generator": name, "image_size": 32, "latent": 16}
    (folder / "config.json").write_text(json.dumps(config))
    return generator
