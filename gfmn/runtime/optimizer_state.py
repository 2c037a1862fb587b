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


def of_optimizer(optimizer: Optimizer) -> State:
    """An optimizer's moments, `<number of the weight>/<name>` each."""
    moments = optimizer.state_dict()["state"]
    # torch.optim.SGD has a momentum of None before its first step.
    return joined(
        {str(i): {k: v for k, v in own.items() if v is not None} for i, own in moments.items()}
    )


def load_optimizer(optimizer: Optimizer, weights: Sequence[Tensor], state: State) -> None:
    """Take over what `of_optimizer` returned; `weights` in the optimizer's order."""
    moments = {}
    for i, weight in enumerate(weights):
        # In the weight's own order of memory: a fused kernel walks both side by side.
        own = part(state, str(i))
        same = {k: v for k, v in own.items() if v.shape == weight.shape}
        moments[i] = own | {k: torch.empty_like(weight).copy_(v) for k, v in same.items()}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
