"""The statistics of real features: extracted once, kept in a file, verified before use."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional

from gfmn.common import tensorfile
from gfmn.common.bounds import BATCH, FACTOR, PROCESSES
from gfmn.common.errors import InputError
from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.features.batches import Batches
from gfmn.features.copies import Copies, CopiesConfig
from gfmn.features.extractor import Extractor, Tap
from gfmn.features.groups import GROUPS, Group, GroupConfigs, check_groups, check_widths
from gfmn.features.groups.base import PooledPart, pooling
from gfmn.features.moments import Layout, MergedMoments, batch_moments
from gfmn.features.pooled import stage_ends
from gfmn.features.target import Target
from gfmn.networks import BatchNormMode
from gfmn.runtime.distributed import ALONE, World

FORMAT = "statistics-2"
UNITS: dict[str, Any] = {
    "value_range": [0, 1],  # of the images that the extractor takes
    "variance": "unbiased",
}


class StatisticsConfig(GroupConfigs):
    """Which real features are measured, and which groups of their statistics are kept."""

    dataset: str
    extractor: str
    batchnorm: BatchNormMode = "eval"  # of the networks, here and in training
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # of the networks; moments are wider
    batch: int = Field(256, ge=1, le=BATCH)  # most images at a time, in each process
    processes: int = Field(1, ge=1, le=PROCESSES)  # among which the images are divided
    copies: CopiesConfig | None = None  # of the images, which are measured as well
    # Of the images' classes in the groups; 0: none.
    class_weight: float = Field(0.0, ge=0, le=FACTOR)

    @model_validator(mode="after")
    def _batches(self) -> Self:
        if self.batchnorm == "batch" and self.batch < 2:
            raise ValueError("expected a batch of at least 2 with batch norm on it")
        return self


@dataclass(frozen=True)
class Statistics:
    """Per tap the mean and the unbiased variance over all images, C x H x W float32 each."""

    metadata: dict[str, Any]  # what `describe` returns
    mean: dict[str, Tensor]
    variance: dict[str, Tensor]
    groups: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)  # by name

    @property
    def class_frequencies(self) -> tuple[float, ...]:
        """Of the K classes that are among what groups have collected; empty where none are."""
        classes = self.metadata.get("classes")
        return tuple(classes["frequencies"]) if classes else ()

    def target(self, taps: Sequence[Tap], device: torch.device | str = "cpu") -> Target:
        """The chosen taps' statistics as an objective's target, in the order of `taps`.

        Groups of pooled taps are those of the chosen ones that the file has.
        """
        shapes = tuple(tap.shape for tap in taps)
        parts = [[source[tap.name] for tap in taps] for source in (self.mean, self.variance)]
        mean, variance = (torch.cat([_channels_last(p) for p in part]).to(device) for part in parts)
        groups = {group: self._parts(group, taps, device) for group in self.groups}
        return Target(Layout(shapes), mean, variance, groups)

    def _parts(
        self, group: str, taps: Sequence[Tap], device: torch.device | str
    ) -> tuple[PooledPart, ...]:
        part, tensors = GROUPS[group].Part, self.groups[group]
        names = part.tensors()
        numbers = [i for i, tap in enumerate(taps) if f"{tap.name}/{names[0]}" in tensors]
        return tuple(
            part(i, **{name: tensors[f"{taps[i].name}/{name}"].to(device) for name in names})
            for i in numbers
        )


def _channels_last(statistic: Tensor) -> Tensor:
    return statistic.permute(1, 2, 0).reshape(-1)


@torch.no_grad()
def extract(
    images: np.ndarray | Copies,
    extractor: Extractor,
    batch: int,
    progress: Progress,
    world: World = ALONE,
    shuffle: bool = False,
    groups: Mapping[str, Group] | None = None,
    labels: np.ndarray | None = None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Mean and unbiased variance of every tap over N x H x W x 3 uint8 images.

    `groups` are collected in the same pass, and have their results after it; `labels`: the images'
    classes, which are then among what groups collect.

    One pass; memory does not grow with N. Moments of a batch are taken about the first batch's
    mean in float32 and merged in float64. Each process of the world takes its shard of the
    batches, and all return the same. `shuffle`: whether batches are drawn at random (by a fixed
    seed), as networks need that look at a batch as a whole.
    """
    if len(images) < 2:
        raise InputError(f"a variance needs at least 2 images, found {len(images)}")
    device = next(extractor.parameters()).device
    layout = Layout(tuple(tap.shape for tap in extractor.taps))
    merged = MergedMoments(layout.features)
    batches = Batches(images, batch, shuffle)
    shift = torch.zeros(layout.features, device=device)
    if world.is_main:
        shift = batch_moments(_taps(batches[0], extractor, device), shift, layout).first
    world.broadcast_(shift)
    names = [tap.name for tap in extractor.taps]
    ends = stage_ends(extractor.taps) if groups else {}
    classes = None if labels is None else one_hot(labels).to(device)
    for group in (groups or {}).values():  # a process without a batch has every tap, too
        more = 0 if classes is None else classes.shape[1]
        nothing = {
            name: torch.zeros(0, width + more, device=device) for name, width in ends.items()
        }
        group.update(nothing, np.empty(0, int))
    for i in world.shard(len(batches)):
        chunk = batches[i]
        pooled = dict.fromkeys(ends, torch.empty(0))
        taps = pooling(_taps(chunk, extractor, device), names, pooled)
        moments = batch_moments(taps, shift, layout)
        merged.update(moments, shift, len(chunk))
        numbers = batches.numbers(i)
        if classes is not None:
            own = classes[torch.from_numpy(numbers % len(classes)).to(device)]
            pooled = {name: torch.cat((vectors, own), 1) for name, vectors in pooled.items()}
        for group in (groups or {}).values():
            group.update(pooled, numbers)
        progress.advance(len(chunk) * world.size)
    merged = merge_over(world, merged)
    vectors = (merged.mean.float(), merged.variance().float())
    mean, variance = (_by_tap(vector, extractor.taps, layout) for vector in vectors)
    return mean, variance


def one_hot(labels: np.ndarray) -> Tensor:
    """N labels -> N x K float32, K the largest label and one."""
    return functional.one_hot(torch.from_numpy(np.array(labels))).float()


def class_facts(
    config: StatisticsConfig, labels: np.ndarray | None, names: Sequence[str] | None, where: str
) -> dict[str, Any] | None:
    """What a file says of the classes, None without: names, frequencies and weight.

    Raises `InputError` where they are asked for and the data set has no labels; `where`: the row.
    """
    if not config.class_weight:
        return None
    if labels is None:
        expected = f"0, since the data set {config.dataset!r} has no labels"
        raise InputError(f"{where}.class_weight: expected {expected}, found {config.class_weight}")
    frequencies = [round(float(one), 9) for one in np.bincount(labels) / len(labels)]
    named = list(names) if names else None
    return {"names": named, "frequencies": frequencies, "weight": config.class_weight}


def merge_over(world: World, merged: MergedMoments) -> MergedMoments:
    """The merged moments of all ranks' samples, merged in rank order: the same bits everywhere.

    One rank's message at a time, so that memory does not grow with the number of ranks.
    """
    if world.size == 1:
        return merged
    features = len(merged.mean)
    own = torch.cat((merged.mean.new_tensor([merged.count]), merged.mean, merged.squares))
    result = MergedMoments(features)
    for source in range(world.size):
        message = own.to(world.device, copy=True)
        world.broadcast_(message, source=source)
        count, mean, squares = message.cpu().split((1, features, features))
        result.merge(int(count), mean, squares)
    return result


def _taps(chunk: np.ndarray, extractor: Extractor, device: torch.device) -> Iterator[Tensor]:
    return extractor.stream(bytes_to_unit(np.ascontiguousarray(chunk)).to(device))


def describe(
    config: StatisticsConfig,
    dataset: dict[str, Any],
    extractor: Extractor,
    groups: Mapping[str, Group] | None = None,
    classes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The metadata of a statistics file; `dataset` is the prepared data set's `meta.json`.

    `classes`: what `class_facts` returns, where classes are among what groups collect.
    """
    return {
        "dataset": config.dataset,
        "dataset_digest": dataset["digest"],
        "count": dataset["count"],
        "image_size": dataset["image_size"],
        "extractor": config.extractor,
        "extractor_digest": extractor.digest,
        "taps": [{"name": tap.name, "shape": list(tap.shape)} for tap in extractor.taps],
        "features": sum(torch.Size(tap.shape).numel() for tap in extractor.taps),
        "batchnorm": config.batchnorm,
        "copies": config.copies and config.copies.model_dump(mode="json"),
        "precision": extractor.precision,
        **UNITS,
        "groups": {name: group.describe() for name, group in (groups or {}).items()},
        "classes": classes,
    }


def _by_tap(vector: Tensor, taps: Sequence[Tap], layout: Layout) -> dict[str, Tensor]:
    result = {}
    for tap, place in zip(taps, layout.slices(), strict=True):
        channels, height, width = tap.shape
        part = vector[place].view(height, width, channels)
        result[tap.name] = part.permute(2, 0, 1).contiguous()
    return result


def save(statistics: Statistics, path: Path) -> None:
    """Write a statistics file: tensors `mean/<tap>`, `variance/<tap>` and the groups', metadata."""
    tensors = {f"mean/{name}": value for name, value in statistics.mean.items()}
    tensors |= {f"variance/{name}": value for name, value in statistics.variance.items()}
    for group, values in statistics.groups.items():
        tensors |= {f"{group}/{name}": value for name, value in values.items()}
    tensorfile.write(path, tensors, {"format": FORMAT, **statistics.metadata})


def load(path: Path) -> Statistics:
    """Read a statistics file; a missing, truncated or foreign one is an `InputError`.

    So is one with other numbers than finite floats, with a variance below 0, or with groups whose
    tensors do not fit each other.
    """
    metadata = tensorfile.read_metadata(path, FORMAT)
    tensors = tensorfile.read(path)
    tensorfile.check_numbers(tensors, path)
    mean, variance = (tensorfile.part(tensors, f"{name}/") for name in ("mean", "variance"))
    tensorfile.check_numbers({f"variance/{name}": v for name, v in variance.items()}, path, least=0)
    names = [name for name in metadata.get("groups", {}) if name in GROUPS]
    groups = {name: tensorfile.part(tensors, f"{name}/") for name in names}
    check_groups(groups, path)
    return Statistics(metadata, mean, variance, groups)


def verify(
    statistics: Statistics,
    path: Path,
    extractor: Extractor,
    dataset: str,
    digest: str | None = None,
) -> None:
    """Refuse statistics of another network, data set, shape, range or batch-norm mode.

    `digest`: of the data set's images, where they are at hand.
    """
    metadata = statistics.metadata
    expected = {
        "dataset": dataset,
        "extractor_digest": extractor.digest,
        "batchnorm": extractor.batchnorm,
        **UNITS,
        **({} if digest is None else {"dataset_digest": digest}),
    }
    for key, value in expected.items():
        if metadata.get(key) != value:
            raise InputError(f"{path}: expected {key} {value!r}, found {metadata.get(key)!r}")
    for tap in extractor.taps:
        for name, tensors in (("mean", statistics.mean), ("variance", statistics.variance)):
            found = tuple(tensors[tap.name].shape) if tap.name in tensors else None
            if found != tap.shape:
                expected_shape = f"{name}/{tap.name} of the shape {tap.shape}"
                raise InputError(f"{path}: expected {expected_shape}, found {found}")
    columns = len(statistics.class_frequencies)
    widths = {tap: width + columns for tap, width in stage_ends(extractor.taps).items()}
    check_widths(statistics.groups, widths, path)
