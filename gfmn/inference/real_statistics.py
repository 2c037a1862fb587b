"""Real images as their features' mean and covariance: an `.npz` file, and what it can score.

The file has `mu` (D) and `sigma` (D x D, unbiased), as those of pytorch-fid and clean-fid; written
here also `count`, the number of images.
"""

import operator
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from gfmn.common.errors import InputError
from gfmn.common.regular_files import check_regular, foreign_file
from gfmn.inference.image_files import write_atomically
from gfmn.metrics import frechet, infinity
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluator import Evaluator
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.metric import Measurements, RealFeatures, Reference, Samples

LARGEST = 8192  # features
BYTES = 8 * LARGEST**2 + 1024  # of an array
LARGEST_VALUE = 1e100  # whose square is a number
ASYMMETRY = 1e-5  # of a covariance in float32, relative to its largest value
SUFFIX = ".npz"


def is_statistics(path: str | Path) -> bool:
    """Whether a path is that of such a file, by its name."""
    return Path(path).suffix.lower() == SUFFIX


def save(path: Path, gaussian: Gaussian, overwrite: bool = False) -> None:
    """Write the file, atomically, in float64."""
    if not is_statistics(path):
        raise InputError(f"{path}: expected a {SUFFIX} file's name")
    mean, covariance = gaussian.mean.numpy(), gaussian.covariance.numpy()
    with write_atomically(path, overwrite) as partial:
        np.savez(partial, mu=mean, sigma=covariance, count=np.int64(gaussian.count))


def load(path: Path) -> tuple[Gaussian, int | None]:
    """The Gaussian of a file, and of how many images it is where the file says so.

    Nothing in the file is run, and arrays of more than 8,192 features are not read. Raises
    `InputError` for any file but one of a finite mu and a finite, symmetric sigma that fit.
    """
    try:
        check_regular(path)  # a pipe never ends
        if foreign := foreign_file(path):
            raise ValueError(foreign)
        with zipfile.ZipFile(path) as archive:
            mean, covariance = _array(archive, "mu"), _array(archive, "sigma")
            counted = "count.npy" in archive.namelist()
            count = operator.index(_array(archive, "count")[()]) if counted else None
    except InputError:
        raise
    except OSError as error:
        raise _refusal(path, error.strerror or str(error)) from None
    except (ValueError, TypeError, KeyError, EOFError, MemoryError) as error:
        raise _refusal(path, str(error.args[0] if error.args else type(error).__name__)) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise _refusal(path, str(error)) from None
    width = len(mean) if mean.ndim == 1 else 0
    kinds = {mean.dtype.kind, covariance.dtype.kind}
    if not 1 <= width <= LARGEST or covariance.shape != (width, width) or kinds != {"f"}:
        found = f"{shape_of(mean)} {mean.dtype} and {shape_of(covariance)} {covariance.dtype}"
        raise _refusal(path, found)
    mean, covariance = mean.astype(np.float64), covariance.astype(np.float64)
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise _refusal(path, "an infinity or NaN")
    largest, variances = np.abs(covariance).max(), covariance.diagonal()
    if max(largest, np.abs(mean).max()) > LARGEST_VALUE:
        raise _refusal(path, f"values beyond {LARGEST_VALUE:g}")
    allowed = ASYMMETRY * largest
    if np.abs(covariance - covariance.T).max() > allowed or variances.min() < 0:
        raise _refusal(path, "a sigma that is no covariance")
    deviations = np.sqrt(variances)  # of two features the covariance is at most their product
    if (np.abs(covariance) > np.outer(deviations, deviations) + allowed).any():
        raise _refusal(path, "a sigma that is no covariance")
    if count is not None and count < 2:
        raise _refusal(path, f"a count of {count}")
    covariance = (covariance + covariance.T) / 2
    # Of an unknown number of images: any covariance may have the full rank.
    tensors = (torch.from_numpy(mean), torch.from_numpy(covariance))
    return Gaussian(width + 1 if count is None else count, *tensors), count


def distances(
    images: np.ndarray,
    real: tuple[Path, Gaussian],
    evaluator: Evaluator,
    config: MetricsConfig,
    folder: Path,
) -> Measurements:
    """The scores of N x H x W x 3 uint8 images that need no more: Fréchet distances, by name.

    They are those of `gfmn.metrics.evaluation.compare`. `real`: a file and its Gaussian; `folder`:
    for temporary files. Raises `InputError` where it is not of the evaluator's features.
    """
    path, gaussian = real
    pooled = evaluator.features(images, folder).pooled
    width = len(gaussian.mean)
    if pooled.shape[1] != width:
        expected = f"mu of the {pooled.shape[1]} features of {evaluator.name}"
        raise InputError(f"{path}: expected {expected}, found {width} values")
    order = np.random.default_rng((config.seed, 2)).permutation(len(pooled))  # that of `compare`
    samples = Samples(evaluator.space, pooled[order])
    none = np.empty(0)
    real_features = RealFeatures(gaussian.with_root(), np.empty((0, width)), none, none)
    reference = Reference(real_features, None, {}, {})
    return {
        score.name: score
        for module in (frechet, infinity)
        for score in module.measure(samples, reference, config)
    }


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    member = archive.getinfo(f"{name}.npy")
    if member.file_size > BYTES:
        raise ValueError(f"{name} of {member.file_size:,} bytes")
    with archive.open(member) as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _refusal(path: Path, found: str) -> InputError:
    expected = f"expected mu (D) and sigma (D x D) of at most {LARGEST:,} features"
    return InputError(f"{path}: {expected}, found {' '.join(found.split())}")
