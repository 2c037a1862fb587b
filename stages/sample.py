"""sample@<run>: images of a trained generator, as one array and one grid."""

import numpy as np
import paths
import runner
from PIL import Image

from gfmn import generators
from gfmn.devices import default_device
from gfmn.images import grid
from gfmn.sampling import SampleConfig, sample


def main(name: str) -> None:
    config = SampleConfig.parse(*runner.section("runs", name, "sample"))
    generator, about = generators.load(paths.model(name))
    images = sample(generator.to(default_device()), about["latent"], config)
    path = paths.samples(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, images)
    Image.fromarray(grid(images[:128], columns=16)).save(path.with_suffix(".png"))
    print(f"{name}: {len(images)} samples, batch norm on {config.batchnorm} statistics")


if __name__ == "__main__":
    runner.run(main)
