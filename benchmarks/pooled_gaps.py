"""What of the pooled features is not matched after training: their means, and how they go together.

    python -m benchmarks.pooled_gaps cifar10-vgg16-eval joint moments ama > gaps.tsv

In a study's folder, after `sample`. Of each pooled tap, along the real principal directions in
units of their deviations: `mean`, the root mean square of the generated means; `variances`, of the
generated variances minus 1; `correlations`, of the rest of the generated covariance. The
row `real` is as many real images, so what is left of a perfect generator.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common import paths
from gfmn.datasets import prepared
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, load_extractor
from gfmn.features.pooled import pool, stage_ends

BATCH = 100


def main() -> None:
    """Print a row a run and pooled tap."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("statistics")
    parser.add_argument("runs", nargs="+")
    arguments = parser.parse_args()
    dataset, extractor, mode = arguments.statistics.split("-")
    file = statistics.load(paths.statistics(dataset, extractor, mode))
    group = file.groups["covariance"]
    images = prepared.read(paths.prepared(dataset)).images
    network = load_extractor(
        paths.extractor(extractor), images.shape[1], "all", "fp32", batchnorm="eval"
    )
    print("run", "tap", "mean", "variances", "correlations", sep="\t")
    sets = {run: np.load(paths.sample_files(run)[0], mmap_mode="r") for run in arguments.runs}
    count = min(map(len, sets.values()))
    chosen = np.random.default_rng(0).choice(len(images), count, replace=False)
    for name, generated in {"real": images[np.sort(chosen)], **sets}.items():
        vectors = pooled_vectors(network, generated[:count])
        for tap, p in vectors.items():
            scale = group[f"{tap}/variances"].sqrt()
            kept = scale > 1e-3 * scale[0]
            y = (p - group[f"{tap}/mean"]) @ group[f"{tap}/directions"] / scale
            print(name, tap, *(f"{gap:.4f}" for gap in gaps(y[:, kept])), sep="\t", flush=True)


def gaps(y: Tensor) -> Iterator[float]:
    """Of N x k values whose real covariance is the identity: see above."""
    covariance = torch.cov(y.T.double())
    diagonal = covariance.diagonal()
    others = covariance - torch.diag(diagonal)
    k = len(covariance)
    yield float(y.double().mean(0).square().mean().sqrt())
    yield float((diagonal - 1).square().mean().sqrt())
    yield float((others.square().sum() / (k * (k - 1))).sqrt())


@torch.inference_mode()
def pooled_vectors(network: Extractor, images: np.ndarray) -> dict[str, Tensor]:
    """The pooled features of N x S x S x 3 uint8 images, by pooled tap."""
    wanted = stage_ends(network.taps)
    found: dict[str, list[Tensor]] = {name: [] for name in wanted}
    for start in range(0, len(images), BATCH):
        batch = torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH]))
        taps = network.stream(batch.permute(0, 3, 1, 2).float() / 255)
        for tap, values in zip(network.taps, taps, strict=True):
            if tap.name in wanted:
                found[tap.name].append(pool(values).vector.clone())
    return {name: torch.cat(parts) for name, parts in found.items()}


if __name__ == "__main__":
    main()
