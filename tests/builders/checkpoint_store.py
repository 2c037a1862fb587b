"""A folder of checkpoints, and what is saved in it."""

from pathlib import Path

import torch
from torch import Tensor

from gfmn.runtime.checkpoints import Checkpoint, Checkpoints, fingerprint

PRINT = fingerprint({"run": "a"})


class Store(Checkpoints):
    """The checkpoints of one run, with the warnings that were given."""

    def __init__(self, root: Path, print_: str = PRINT, keep: int = 2) -> None:
        self.lines: list[str] = []
        super().__init__(root, "run", print_, keep, self.lines.append)

    def steps(self) -> list[int]:
        return sorted(int(path.stem.split("-")[1]) for path in self.folder.glob("step-*.saf*s"))


def content(step: int, count: int = 100_000) -> dict[str, Tensor]:
    """Tensors that tell of which step they are."""
    return {"x": torch.arange(count) * 7 + step, "y": torch.full((3,), step / 3)}


def is_of(checkpoint: Checkpoint | None, step: int, count: int = 100_000) -> bool:
    """Whether a checkpoint holds what `save` below gave it."""
    assert checkpoint is not None and checkpoint.step == step
    expected, found = content(step, count), checkpoint.tensors
    return (
        found.keys() == expected.keys()
        and all(torch.equal(found[key], value) for key, value in expected.items())
        and checkpoint.metadata == {"loss": 1 / (step + 1)}
    )


def save(store: Checkpoints, step: int, count: int = 100_000) -> bool:
    return store.save(step, content(step, count), {"loss": 1 / (step + 1)})
