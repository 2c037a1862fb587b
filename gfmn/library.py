"""Feature matching in Python: images, a network, their statistics, a generator, its scores.

What `import gfmn` offers. A study (`gfmn new`) does the same in a pipeline that remembers what is
up to date; here everything is in the hands of the caller.
"""

import copy
import hashlib
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor, nn

from gfmn import sources
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.common.progress import Progress
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.features import statistics as features
from gfmn.features.extractor import DTYPES, Extractor, load_extractor, select_taps
from gfmn.features.groups import new_groups
from gfmn.features.groups.base import Classes
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.generators.sampling import fixed_grid
from gfmn.inference import real_statistics
from gfmn.inference.extras import optional_packages
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.inference.score import named_evaluator
from gfmn.metrics import reference as references
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import compare, describe_real
from gfmn.metrics.gaussian import Gaussian
from gfmn.networks.adapters import Hooked, LibraryModel
from gfmn.networks.base import BatchNormMode
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.runtime.distributed import ALONE
from gfmn.sources.paths import row_of
from gfmn.study.profiles import defaults, published_networks
from gfmn.training.config import TrainingConfig
from gfmn.training.loop import Run
from gfmn.training.outputs import Files
from gfmn.training.resume import resume_point, run_fingerprint
from gfmn.training.trainable import Trainable
from gfmn.training.trainer import Inputs, Trainer
from gfmn.weights.cache import cached
from gfmn.weights.config import FetchedNetwork

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # mean and deviation of its channels


@dataclass(frozen=True)
class Update:
    """What is known of a training under way."""

    step: int  # updates done
    gap: float  # of all features' moments, in real standard deviations: 0 is real
    loss: float  # equation 1
    images: np.ndarray  # 64 samples of fixed noise, 64 x S x S x 3 uint8

    @property
    def image(self) -> Image.Image:
        """The samples as one, 16 in a row: what a notebook displays while it trains."""
        return Image.fromarray(grid(self.images, 16))


@optional_packages("gfmn.images")
def images(path: str | Path, size: int = 32, **parameters: Any) -> PreparedDataset:
    """Images of a folder, an .npy or a parquet file, or `torchvision:<class>`, size x size pixels.

    Folders in a folder are its classes. `parameters`: others of docs/datasets.md, such as `crop`.
    Raises `InputError` for what cannot be read. They are kept in a temporary file.
    """
    config = sources.parse(row_of(str(path), "path") | {"image_size": size, **parameters}, "images")
    folder = Path(tempfile.mkdtemp(prefix="gfmn-"))
    try:
        sources.prepare(config, Path(path).stem, folder, "images")
        data = prepared.read(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    weakref.finalize(data, shutil.rmtree, folder, ignore_errors=True)
    return data


@optional_packages("gfmn.network")
def network(
    source: str | Path | nn.Module,
    size: int = 32,
    taps: str | int | Sequence[str] = "all",
    batchnorm: BatchNormMode = "eval",
    mean: Sequence[float] = IMAGENET[0],
    std: Sequence[float] = IMAGENET[1],
) -> Extractor:
    """A frozen network whose features are matched, for images of size x size pixels.

    `source`: a name (`vgg16`, `vgg19`: fetched once), an extractor file of a study, or any module,
    of which `taps` then names the modules that are tapped (`"all"`: its activations) and `mean` and
    `std` normalize images in [0, 1]; it is copied. Raises `InputError` for unknown names and taps.
    """
    if isinstance(source, nn.Module):
        return _of_module(source, size, taps, batchnorm, (tuple(mean), tuple(std)))
    path, published = Path(source), published_networks()
    if path.suffix != ".safetensors":
        if str(source) not in published:
            known = f"{suggest(str(source), published)}, a .safetensors file or a module"
            raise InputError(f"network: no {str(source)!r}; {known}")
        row = FetchedNetwork.parse(published[str(source)], f"network {source}")
        path = cached(str(source), row, f"network {source}")
    return load_extractor(path, size, taps, batchnorm=batchnorm)


def _of_module(
    module: nn.Module,
    size: int,
    taps: str | int | Sequence[str],
    batchnorm: BatchNormMode,
    scale: tuple[Any, Any],
) -> Extractor:
    model = LibraryModel(copy.deepcopy(module), *scale, "bilinear", None, (), _no_classifier)
    hooked = Hooked(type(module).__name__, model, "activations" if taps == "all" else _names(taps))
    hooked.freeze(batchnorm)
    digest = hashlib.sha256()
    for name, tensor in sorted(hooked.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    selection = select_taps({"network": hooked.tap_names}, "all", "taps")
    precision = {"network": next(iter(DTYPES))}
    return Extractor(
        {"network": hooked}, selection, size, precision, digest.hexdigest(), batchnorm
    ).to(ALONE.device)


@optional_packages("gfmn.statistics")
def statistics(
    data: PreparedDataset, network: Extractor, batch: int = 64, classes: bool = False
) -> Statistics:
    """The moments of every feature over all images, and what else `fit` needs.

    `classes`: how classes and features go together too, for a generator that is asked for a class.
    """
    row = {"dataset": str(data.metadata["name"]), "extractor": "network", "batch": batch}
    row |= {"batchnorm": network.batchnorm, "covariance": {}, "landmarks": {}}
    config = StatisticsConfig.parse({**row, "class_weight": float(classes)}, "statistics")
    labels, names = data.labels, data.metadata.get("classes")
    facts = features.class_facts(config, labels, names, "statistics")
    groups = new_groups(config, len(data.images), Classes.of(facts))
    shuffle = network.batchnorm == "batch"
    with Progress("statistics", len(data.images), "images") as progress:
        mean, variance = features.extract(
            *(data.images, network, batch, progress, ALONE, shuffle, groups),
            labels if facts else None,
        )
    results = {name: group.result(ALONE) for name, group in groups.items()}
    metadata = features.describe(config, data.metadata, network, groups, facts)
    return Statistics(metadata, mean, variance, results)


@optional_packages("gfmn.fit")
def fit(
    real: Statistics,
    network: Extractor,
    out: str | Path | None = None,
    watch: Callable[[Update], None] | None = None,
    **settings: Any,
) -> TrainedGenerator:
    """Train a generator whose images have the real statistics in the network's features.

    `settings`: of a run (docs/training.md), such as `steps`, `lr` or `objective`; others are those
    of `gfmn new`. `out`: the folder of the generator and of its checkpoints: where it was stopped,
    the same call resumes. `watch`: called every `grid_every` updates.
    """
    metadata = real.metadata
    row = {**defaults("fast"), "dataset": metadata["dataset"], "extractor": "network"}
    row |= {"batchnorm": network.batchnorm, "seeds": [settings.pop("seed", 0)], **settings}
    (config,) = TrainingConfig.parse(row, "fit").each()
    folder = Path(out or tempfile.mkdtemp(prefix="gfmn-"))
    fingerprint = run_fingerprint(config, _digest(real), network.digest)
    checkpoints = Checkpoints(folder / "checkpoints", "fit", fingerprint)
    files = Files(folder, folder / "history.tsv", checkpoints)

    def tell(trainer: Trainable, step: int) -> None:
        found = trainer.measure()
        grid = fixed_grid(trainer.result, config.latent, trainer.seed)
        assert watch is not None
        watch(Update(step, found["gap"], found["loss"], grid))

    resumed = resume_point(config, files)
    precision = resumed.metadata["precision"]["generator"] if resumed else None
    trainer = Trainer(config, Inputs(network, real, None, precision))
    run = Run("fit", trainer, files, resumed, watch=tell if watch else None)
    run.train()
    if run.warning:
        print(run.warning, file=sys.stderr)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return load(folder)


@optional_packages("gfmn.score")
def score(
    generated: np.ndarray, real: PreparedDataset | str | Path, evaluator: str | Path = "lite2"
) -> dict[str, float]:
    """N x S x S x 3 uint8 images against real ones: distances, precision, recall, by name.

    `real`: images, or an `.npz` file of their mu and sigma in the evaluator's space, against which
    there are Fréchet distances alone. `evaluator`: a name of docs/evaluators.md, fetched once, or
    an evaluator file of a study.
    """
    space = named_evaluator(str(evaluator), argument="evaluator")
    config = MetricsConfig()
    with tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
        folder = Path(scratch)
        if isinstance(real, PreparedDataset):
            reference, _ = describe_real(real, None, space, config, folder / "real")
            scores = compare(generated, real, reference, space, config, folder / "made").scores
        else:
            path = Path(real)
            gaussian, _ = real_statistics.load(path)
            scores = real_statistics.distances(generated, (path, gaussian), space, config, folder)
    return {name: one.value for name, one in scores.items()}


@optional_packages("gfmn.save_reference")
def save_reference(
    path: str | Path,
    real: PreparedDataset | str | Path,
    evaluator: str | Path = "lite2",
    overwrite: bool = False,
) -> None:
    """Write real images' mean and covariance as `mu` and `sigma` in an `.npz` file.

    Other tools write and read such files too; `score` and `FrechetDistance` compare with them.
    `real`: images, described in the features of `evaluator` as in `score`; or the folder of a
    study's reference, `data/reference/<data set>-<evaluator>`, which has them already.
    """
    if isinstance(real, PreparedDataset):
        space = named_evaluator(str(evaluator), argument="evaluator")
        with tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
            features = space.features(real.images, Path(scratch)).pooled
            gaussian = Gaussian.fit(features)
    else:
        gaussian = references.load(Path(real), {}).real.gaussian
    real_statistics.save(Path(path), gaussian, overwrite)


def _digest(real: Statistics) -> str:
    digest = hashlib.sha256()
    for part in (real.mean, real.variance, *real.groups.values()):
        for name, tensor in part.items():
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _names(taps: str | int | Sequence[str]) -> str | Sequence[str]:
    if isinstance(taps, int):
        raise InputError(f"taps: expected names of the module's modules, found {taps}")
    return taps


def _no_classifier(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    raise InputError("network: expected an evaluator, found a module without features for scores")
