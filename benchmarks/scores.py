"""Time of the scores against torch-fidelity's, on the same features in one process.

    python -m benchmarks.scores [--count 5000] [--real 10000] [--width 2048] [--repeats 3]

The features are Gaussian with a decaying spectrum. Both sides compute from features in memory to
the number: ours in float64 throughout, torch-fidelity as it does by default. The Fréchet distance
here is that of one run against real images whose Gaussian is known already (its root too), as in
the pipeline; `from nothing` counts the real side as well. The last line is JSON: by score, seconds
of both, their ratio, and how far the two numbers are apart.
"""

import argparse
import json
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch_fidelity import metric_fid, metric_kid, metric_prc

from gfmn.metrics.frechet import frechet_distance, frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.precision_recall import precision_recall

Contender = Callable[[], float]
KERNEL = {"kid_subsets": 100, "kid_subset_size": 1000, "rng_seed": 2020, "verbose": False}
MANIFOLD = {"prc_neighborhood": 3, "prc_batch_size": 10000, "verbose": False, "cuda": False}
MANIFOLD |= {"save_cpu_ram": False}


def main() -> None:
    """Measure in turns, print a table, and end with one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000, help="generated images")
    parser.add_argument("--real", type=int, default=10000, help="real images")
    parser.add_argument("--width", type=int, default=2048, help="features of an image")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(options.width, options.width)) * np.exp(
        -np.arange(options.width) / 200
    )
    made, real = (
        (rng.normal(shift, 1, (count, options.width)) @ mixing.T / 10).astype(np.float32)
        for count, shift in ((options.count, 0.05), (options.real, 0.0))
    )
    found = {}
    print("score", "ours s", "theirs s", "ratio", "apart", sep="\t")
    for name, pair in contenders(made, real).items():
        times: tuple[list[float], list[float]] = ([], [])
        values = [0.0, 0.0]
        for _ in range(options.repeats):
            for side, contender in enumerate(pair):
                start = perf_counter()
                values[side] = contender()
                times[side].append(perf_counter() - start)
        ours, theirs = map(median, times)
        apart = abs(values[0] - values[1]) / max(abs(values[1]), 1e-12)
        found[name] = {"ours": ours, "theirs": theirs, "ratio": theirs / ours, "apart": apart}
        print(name, *(f"{value:.3g}" for value in found[name].values()), sep="\t", flush=True)
    print(json.dumps({"threads": torch.get_num_threads(), **found}))


def contenders(made: np.ndarray, real: np.ndarray) -> dict[str, tuple[Contender, Contender]]:
    """Ours and torch-fidelity's way to each score."""
    ours = Gaussian.fit(real).with_root()
    theirs = metric_fid.fid_features_to_statistics(torch.from_numpy(real))

    def their_distance(known: dict[str, np.ndarray] | None) -> float:
        real_side = known or metric_fid.fid_features_to_statistics(torch.from_numpy(real))
        made_side = metric_fid.fid_features_to_statistics(torch.from_numpy(made))
        found = metric_fid.fid_statistics_to_metric(made_side, real_side, verbose=False)
        return float(found["frechet_inception_distance"])

    def their_kernel() -> float:
        sides = (torch.from_numpy(made), torch.from_numpy(real))
        found = metric_kid.kid_features_to_metric(*sides, **KERNEL)
        return float(found["kernel_inception_distance_mean"])

    def their_manifold() -> float:
        sides = (torch.from_numpy(made), torch.from_numpy(real))
        found = metric_prc.prc_features_to_metric(*sides, **MANIFOLD)
        return float(found["precision"])

    return {
        "frechet": (lambda: frechet_to(made, ours), lambda: their_distance(theirs)),
        "frechet from nothing": (
            lambda: frechet_distance(Gaussian.fit(real), Gaussian.fit(made)),
            lambda: their_distance(None),
        ),
        "kernel": (lambda: kernel_distance(made, real, 100, 1000, 2020)[0], their_kernel),
        "precision": (lambda: precision_recall(real, made, 3)[0], their_manifold),
    }


if __name__ == "__main__":
    main()
