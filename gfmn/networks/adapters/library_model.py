"""What an adapter needs to know of another library's model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from gfmn.common.config import suggest


@dataclass(frozen=True)
class LibraryModel:
    """A model with random weights, and the facts that its library states of it."""

    module: nn.Module
    mean: tuple[float, float, float]  # of the unit range
    std: tuple[float, float, float]
    interpolation: str  # of images that are resized
    fixed_size: int | None  # the only size in pixels that it takes; None: any
    stages: tuple[str, ...]  # names of the modules that end its stages
    # Module, images -> B x D features that its classifier takes, and the classifier's B x K logits.
    embed: Callable[[nn.Module, Tensor], tuple[Tensor, Tensor | None]]


def suggest_model(model: str, names: Sequence[str]) -> str:
    """As `nearest`, without a list of a thousand names."""
    hint = suggest(model, names)
    return hint if hint.startswith("did") else "see the library's list of models"
