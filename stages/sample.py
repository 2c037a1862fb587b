"""sample@<run>: images of each seed's generator: one array, one grid, one of interpolations."""

import shutil
from pathlib import Path
from typing import Any

import checkout  # noqa: F401
from PIL import Image
from torch import nn

from gfmn import generators
from gfmn.common import paths, stage
from gfmn.common.devices import default_device, keep_freed_memory
from gfmn.common.images import grid, read_images, write_images
from gfmn.generators.interpolation import COLUMNS, ROWS, images_at, row_latents
from gfmn.generators.sampling import SampleConfig, SamplingConfig, sample_parts


def main(name: str) -> None:
    keep_freed_memory()
    config = SamplingConfig.parse(*stage.optional_section("sampling")).of(name)
    seeds = generators.trained_seeds(paths.model(name))
    if paths.samples(name).exists():  # perhaps with seeds that are no longer there
        shutil.rmtree(paths.samples(name))
    for seed in seeds:
        generator, model = generators.load(paths.model(name, seed))
        generator.to(default_device())
        path = paths.samples(name, seed)
        write(path, generator, model, config)
        images = read_images(path)
        Image.fromarray(grid(images[:128], columns=16)).save(path.with_suffix(".png"))
        z = row_latents(config.seed, ROWS, COLUMNS, model["latent"]).flatten(0, 1)
        between = Image.fromarray(grid(images_at(generator, z), COLUMNS))
        between.save(path.with_name(f"{path.stem}-interpolation.png"))
        label = f"{name} seed {seed}" if len(seeds) > 1 else name
        print(f"{label}: {len(images)} samples, batch norm on {config.batchnorm} statistics")


def write(path: Path, generator: nn.Module, model: dict[str, Any], config: SampleConfig) -> None:
    """The samples in a file, written atomically, of which a few are in memory at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    parts = sample_parts(generator, model["latent"], config)
    write_images(partial, parts, config.count, model["image_size"])
    partial.replace(path)


if __name__ == "__main__":
    stage.run(main)
