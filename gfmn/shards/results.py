"""A state as a statistics file, which has the state in it: two such files merge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.bounds import IMAGES
from gfmn.common.errors import InputError
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, Tap
from gfmn.features.groups import new_groups
from gfmn.features.groups.base import Classes, Fitted
from gfmn.features.groups.covariance import Covariance
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.runtime.distributed import ALONE
from gfmn.shards.dataset import ShardedDataset, joint_digest
from gfmn.shards.state import State

KEY = "shards"  # of the metadata, and of the tensors
ALIKE = (  # what two files must have in common
    *("extractor_digest", "taps", "batchnorm", "copies", "precision", "image_size"),
    *("value_range", "variance"),
)
ANY = {"dataset", "extractor", "batch", "processes"}  # parameters in which they may differ


@dataclass(frozen=True)
class Facts:
    """What a state does not know: the shards, their classes, and how they were measured."""

    config: StatisticsConfig
    shards: tuple[tuple[str, int], ...]  # digest and images of each
    classes: tuple[int, ...]  # images of each; empty where classes are not measured
    names: tuple[str, ...] | None  # of the classes
    metadata: dict[str, Any]  # of a file, as far as it is that of any data set

    @classmethod
    def of(
        cls,
        data: ShardedDataset,
        extractor: Extractor,
        config: StatisticsConfig,
        classes: Sequence[int],
    ) -> Self:
        """Those of a data set that has been measured."""
        rows = tuple((shard.digest, shard.count) for shard in data.shards)
        names = data.metadata.get("classes")
        metadata = statistics.describe(config, data.metadata, extractor)
        return cls(config, rows, tuple(classes), tuple(names) if names else None, metadata)


def file_of(state: State, facts: Facts) -> Statistics:
    """The statistics of a state as `statistics.save` takes them: its tensors are a group more."""
    count = sum(images for _, images in facts.shards)
    copies = facts.config.copies
    measured = count * (copies.count if copies else 1)
    sums = {name: total.value() for name, total in state.sums.items()}
    mean, variance = dict[str, Tensor](), dict[str, Tensor]()
    for tap in (tap["name"] for tap in facts.metadata["taps"]):
        first, second = sums[f"first/{tap}"], sums[f"second/{tap}"]
        mean[tap] = (first / measured).float()
        squares = second - first.square() / measured
        variance[tap] = (squares / (measured - 1)).clamp_min(0).float()
    classes = None
    if facts.classes:
        frequencies = [round(one / count, 9) for one in facts.classes]
        names = list(facts.names) if facts.names else None
        weight = facts.config.class_weight
        classes = {"names": names, "frequencies": frequencies, "weight": weight}
    drawn = max((len(draw.numbers) for draw in state.draws.values()), default=0)
    groups = new_groups(facts.config, drawn, Classes.of(classes))
    for group in groups.values():
        if isinstance(group, Covariance):
            pairs = {n.removeprefix("total/"): n for n in sums if n.startswith("total/")}
            group.count = measured
            group.sums = {t: (sums[n], sums[f"products/{t}"]) for t, n in pairs.items()}
        elif isinstance(group, Fitted):
            draw = state.draws[group.config.seed]
            group.drawn.vectors = {t: v[: group.drawn.count] for t, v in draw.vectors.items()}
    results = {name: group.result(ALONE) for name, group in groups.items()}
    metadata = {
        **facts.metadata,
        "dataset_digest": joint_digest(digest for digest, _ in facts.shards),
        "count": count,
        "groups": {name: group.describe() for name, group in groups.items()},
        "classes": classes,
        KEY: {
            "rows": sorted(facts.shards),
            "classes": list(facts.classes),
            "names": facts.names,
            "parameters": facts.config.model_dump(mode="json", exclude=ANY),
        },
    }
    return Statistics(metadata, mean, variance, {**results, KEY: state.tensors()})


def read(path: Path) -> tuple[State, Facts]:
    """The state in a statistics file; `InputError` for one of a data set that has no shards."""
    metadata, tensors = statistics.load(path).metadata, tensorfile.read(path)
    if KEY not in metadata:
        expected = "expected statistics of a data set in shards"
        raise InputError(f"{path}: {expected}, found those of an array of images")
    try:
        own, rows = metadata[KEY], metadata[KEY]["rows"]
        if {(type(digest), type(count)) for digest, count in rows} != {(str, int)}:
            raise ValueError("rows of another kind")
        if not all(2 <= count <= IMAGES for _, count in rows):
            raise ValueError(f"shards of other than 2 to {IMAGES:,} images")
        names = {name: str(metadata[name]) for name in ("dataset", "extractor")}
        config = StatisticsConfig.parse({**own["parameters"], **names}, f"{path}: parameters")
        taps = [Tap(tap["name"], tuple(tap["shape"])) for tap in metadata["taps"]]
        facts = Facts(
            config,
            tuple((digest, count) for digest, count in rows),
            tuple(map(int, own["classes"])),
            tuple(own["names"]) if own["names"] else None,
            {k: v for k, v in metadata.items() if k not in ("format", KEY)},
        )
        state = State(
            config, taps, len(facts.classes), tensorfile.part(tensors, f"{KEY}/"), str(path)
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: expected a description of shards, found {error}") from None
    return state, facts


def merge(paths: Sequence[Path], dataset: str) -> Statistics:
    """The statistics of several files' shards together: the very file of one data set of them all.

    `dataset`: its name. Raises `InputError` for files of other networks, modes, parameters or
    classes, and for a shard that two of them have.
    """
    first, *others = paths
    state, facts = read(first)
    seen = dict.fromkeys((digest for digest, _ in facts.shards), first)
    for path in others:
        more, found = read(path)
        _check_alike(first, facts, path, found)
        for digest, _ in found.shards:
            if (earlier := seen.setdefault(digest, path)) != path:
                expected = f"expected each shard once, found that of sha256 {digest:.12}"
                raise InputError(f"{path}: {expected} as in {earlier}")
        state.merge(more)
        counts = tuple(a + b for a, b in zip(facts.classes, found.classes, strict=True))
        facts = replace(facts, shards=facts.shards + found.shards, classes=counts)
    config = facts.config.model_copy(update={"dataset": dataset})
    return file_of(
        state, replace(facts, config=config, metadata={**facts.metadata, "dataset": dataset})
    )


def _check_alike(first: Path, facts: Facts, path: Path, found: Facts) -> None:
    pairs: list[tuple[str, Any, Any]] = [
        (key, facts.metadata.get(key), found.metadata.get(key)) for key in ALIKE
    ]
    pairs += [("names of classes", facts.names, found.names)]
    pairs += [("number of classes", len(facts.classes), len(found.classes))]
    mine, theirs = (one.config.model_dump(mode="json", exclude=ANY) for one in (facts, found))
    pairs += [(key, mine[key], theirs[key]) for key in mine]
    for key, expected, other in pairs:
        if expected != other:
            line = f"expected {key} {expected!r:.200} as in {first}, found {other!r:.200}"
            raise InputError(f"{path}: {line}")
