"""Scores of sets of images whose quality is known, for judging the scores themselves.

    python -m benchmarks.known_sets cifar10 lite2 > docs/known-sets.tsv

In a study's folder, after `prepare` and the evaluator's stage: a random half of the prepared data
set is the real one; each row is `COUNT` images of the other half, changed as the row says.
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from gfmn.common import paths
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import compare, describe_real
from gfmn.metrics.evaluator import load_evaluator

COUNT = 5000
SEED = 0

Change = Callable[[Image.Image], Image.Image]


def main() -> None:
    """Print a row a set: its name and each score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("evaluator")
    arguments = parser.parse_args()
    data = prepared.read(paths.prepared(arguments.dataset))
    evaluator = load_evaluator(paths.evaluator(arguments.evaluator))
    config = MetricsConfig(counts=(COUNT,))
    first, second = data.split(0.5, SEED)
    real = PreparedDataset(data.images[first], data.metadata)
    labels = None if data.labels is None else np.asarray(data.labels)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        reference, _ = describe_real(real, None, evaluator, config, folder / "real")
        columns = None
        for name, images in sets(data.images, first, second, labels):
            found = compare(images, real, reference, evaluator, config, folder / "features").scores
            if columns is None:
                columns = [key for key in found if not key.startswith("confidence_")]
                print("images", *columns, sep="\t")
            print(name, *(f"{found[key].value:.4g}" for key in columns), sep="\t", flush=True)


def sets(
    images: np.ndarray, real: np.ndarray, others: np.ndarray, labels: np.ndarray | None
) -> Iterator[tuple[str, np.ndarray]]:
    """Each set's name and images; `real`, `others`: indices of the two halves."""
    rng = np.random.default_rng(SEED)
    plain = images[np.sort(rng.choice(others, COUNT, replace=False))]
    yield "as they are", plain
    for radius in (0.5, 1, 2):
        yield f"blurred, radius {radius}", changed(plain, blur(radius))
    for level in (8, 25):
        noise = rng.normal(0, level, plain.shape)
        yield f"noise of {level} gray levels", np.clip(plain + noise, 0, 255).astype(np.uint8)
    yield "JPEG at quality 20", changed(plain, jpeg)
    if labels is not None:
        few = np.argsort(labels[others], kind="stable")[:COUNT]
        classes = len(np.unique(labels[others][few]))
        yield f"of {classes} classes alone", images[others[few]]
    yield "ten images, 500 times each", np.repeat(plain[:10], COUNT // 10, 0)
    yield "of the real images themselves", images[real[:COUNT]]
    yield "white noise", rng.integers(0, 256, plain.shape, dtype=np.uint8)


def changed(images: np.ndarray, change: Change) -> np.ndarray:
    """N x H x W x 3 uint8, each image changed."""
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def blur(radius: float) -> Change:
    """Gaussian, in pixels."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def jpeg(image: Image.Image) -> Image.Image:
    """Written as JPEG and read again."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=20)
    return Image.open(file).convert("RGB")


if __name__ == "__main__":
    main()
