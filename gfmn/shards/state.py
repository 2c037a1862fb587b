"""What is known of the features of some shards: it grows by shards, and two of them merge.

Moments and covariances are exact sums over shards. Of the vectors that groups are fitted to, each
image draws a random number, and those of the smallest numbers are kept: of two parts together
these are the smallest of both. So neither the order of shards nor who measured which of them
changes a bit.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.features.extractor import Tap
from gfmn.features.groups import GROUPS, Covariance, GroupConfigs
from gfmn.features.groups.base import FittedConfig
from gfmn.features.pooled import stage_ends
from gfmn.runtime.distributed import World
from gfmn.shards.exact import DIGITS, ExactSum

NEVER = 2.0  # the number of a row that is none


class Draw:
    """Pooled features of at most `most` images: those of the smallest numbers, in their order."""

    def __init__(self, most: int, numbers: Tensor, vectors: Mapping[str, Tensor]) -> None:
        self.most, self.numbers, self.vectors = most, numbers, dict(vectors)  # k; k x D by tap

    def merge(self, numbers: Tensor, vectors: Mapping[str, Tensor]) -> None:
        """Take in other images' numbers (float64) and vectors."""
        order = torch.cat((self.numbers, numbers)).argsort(stable=True)[: self.most]
        self.numbers = torch.cat((self.numbers, numbers))[order]
        for tap, kept in self.vectors.items():
            self.vectors[tap] = torch.cat((kept, vectors[tap]))[order]


def draws_of(config: GroupConfigs) -> dict[int, int]:
    """Of each seed that a group draws by, how many images are drawn at most."""
    found: dict[int, int] = {}
    for name, kind in GROUPS.items():
        asked = getattr(config, name)
        if isinstance(asked, FittedConfig):
            found[asked.seed] = max(asked.count, found.get(asked.seed, 0))
        elif asked is not None and not issubclass(kind, Covariance):
            raise InputError(f"{name}: expected a group that shards can be merged in, found {name}")
    return found


class State:
    """Sums over shards by name, and drawn vectors by seed.

    Sums: `first/<tap>` and `second/<tap>`, of a tap's features and of their squares, C x H x W
    each; `total/<tap>` (D) and `products/<tap>` (D x D) of pooled taps, for a covariance.
    """

    def __init__(
        self,
        config: GroupConfigs,
        taps: Sequence[Tap],
        classes: int = 0,
        tensors: Mapping[str, Tensor] | None = None,
        where: str = "",
    ) -> None:
        """That of no shard, or what `tensors` returned.

        `classes`: columns that every pooled vector has more. `where` is the tensors' file, and
        begins the `InputError` for any that are missing or do not fit.
        """
        widths = {tap: width + classes for tap, width in stage_ends(taps).items()}
        shapes: dict[str, tuple[int, ...]]
        shapes = {f"{name}/{tap.name}": tap.shape for tap in taps for name in ("first", "second")}
        if getattr(config, "covariance", None) is not None:
            shapes |= {f"total/{tap}": (width,) for tap, width in widths.items()}
            shapes |= {f"products/{tap}": (width, width) for tap, width in widths.items()}
        self.sums: dict[str, ExactSum] = {}
        for name, shape in shapes.items():
            if tensors is None:
                self.sums[name] = ExactSum.zeros(*shape)
            else:
                digits = _tensor(tensors, name, (DIGITS, *shape), torch.float64, where)
                if not bool(((digits == digits.floor()) & (digits.abs() < 2.0**53)).all()):
                    raise InputError(f"{where}: {name}: expected integers below 2^53, found others")
                self.sums[name] = ExactSum(digits.long())
                self.sums[name].carry()
        self.draws: dict[int, Draw] = {}
        for seed, most in draws_of(config).items():
            key = f"drawn/{seed}"
            found = (tensors or {}).get(f"{key}/numbers", torch.zeros(0, dtype=torch.float64))
            rows = min(found.numel(), most)
            if tensors is None:
                vectors = {tap: torch.zeros(0, width) for tap, width in widths.items()}
            else:
                found = _tensor(tensors, f"{key}/numbers", (rows,), torch.float64, where)
                vectors = {
                    tap: _tensor(tensors, f"{key}/{tap}", (rows, width), torch.float32, where)
                    for tap, width in widths.items()
                }
            self.draws[seed] = Draw(most, found, vectors)

    def merge(self, other: Self) -> None:
        """Take in the state of other shards, of the same taps and groups."""
        for name, total in self.sums.items():
            total.merge(other.sums[name])
        for seed, draw in self.draws.items():
            draw.merge(other.draws[seed].numbers, other.draws[seed].vectors)

    def merge_over(self, world: World) -> None:
        """Merge the states of all ranks, the same on every one; one rank's rows at a time."""
        if world.size == 1:
            return
        for total in self.sums.values():
            digits = total.digits.to(world.device)
            world.sum_(digits)
            total.digits = digits.cpu()
            total.carry()
        for seed, own in self.draws.items():
            merged = Draw(own.most, own.numbers[:0], {t: v[:0] for t, v in own.vectors.items()})
            for source in range(world.size):
                numbers = _padded(own.numbers, own.most, NEVER).to(world.device)
                vectors = {
                    t: _padded(v, own.most, 0).to(world.device) for t, v in own.vectors.items()
                }
                world.broadcast_(numbers, *vectors.values(), source=source)
                there = (numbers < NEVER).cpu()
                merged.merge(numbers.cpu()[there], {t: v.cpu()[there] for t, v in vectors.items()})
            self.draws[seed] = merged

    def tensors(self) -> dict[str, Tensor]:
        """All of it for a file, by name, as floating-point numbers, which hold it exactly."""
        found = {f"{name}": total.digits.double() for name, total in self.sums.items()}
        for seed, draw in self.draws.items():
            found[f"drawn/{seed}/numbers"] = draw.numbers
            found |= {f"drawn/{seed}/{tap}": v for tap, v in draw.vectors.items()}
        return found


def _padded(rows: Tensor, count: int, value: float) -> Tensor:
    result = rows.new_full((count, *rows.shape[1:]), value)
    result[: len(rows)] = rows
    return result


def _tensor(
    tensors: Mapping[str, Tensor],
    name: str,
    shape: Sequence[int],
    dtype: torch.dtype,
    where: str,
) -> Tensor:
    found = tensors.get(name)
    if found is None or tuple(found.shape) != tuple(shape) or found.dtype != dtype:
        expected = f"{name} of the shape {tuple(shape)}, {str(dtype).removeprefix('torch.')}"
        kind = "none" if found is None else f"{tuple(found.shape)}, {found.dtype}"
        raise InputError(f"{where}: expected {expected}, found {kind.replace('torch.', '')}")
    return found.clone()
