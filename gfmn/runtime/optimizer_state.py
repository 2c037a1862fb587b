"""A training's state as one flat mapping of names to tensors, as a checkpoint holds it."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

State = dict[str, Tensor]


def joined(parts: Mapping[str, Mapping[str, Tensor]]) -> State:
    """Every part's tensors as `<part>/<name>`."""
    return {f"{part}/{k}": v for part, tensors in parts.items() for k, v in tensors.items()}


def part(state: Mapping[str, Tensor], name: str) -> State:
    """One part of what `joined` returned."""
    prefix = f"{name}/"
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def of_optimiser(optimiser: Optimizer) -> State:
    """An optimiser's moments, `<number of the weight>/<name>` each."""
    moments = optimiser.state_dict()["state"]
    # torch.optim.SGD has a momentum of None before its first step.
    tensors = {i: {k: v for k, v in of.items() if v is not None} for i, of in moments.items()}
    return joined({str(i): of for i, of in tensors.items()})


def load_optimiser(optimiser: Optimizer, weights: Sequence[Tensor], state: State) -> None:
    """Take over what `of_optimiser` returned; `weights` in the optimiser's order."""
    moments = {}
    for i, weight in enumerate(weights):
        # In the weight's own order of memory: a fused kernel walks both side by side.
        own = part(state, str(i))
        same = {k: v for k, v in own.items() if v.shape == weight.shape}
        moments[i] = own | {k: torch.empty_like(weight).copy_(v) for k, v in same.items()}
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
