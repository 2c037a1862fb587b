"""Outputs of module calls: their names, the copies and the end of the forward pass."""

import pytest
import torch
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks.adapters.module_calls import call_hooks, call_outputs, stoppable_forward


class Counting(nn.Module):
    """Adds 1, and counts its calls."""

    calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x + 1


class Network(nn.Module):
    """Calls `first` twice, changes its output in place, then calls `last`."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Counting(), Counting()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = self.first(x).mul_(2)
        return self.last(x)


def outputs(network: Network, *calls: str, copied: tuple[str, ...] = ()) -> dict[str, float]:
    found = call_outputs(network, torch.zeros(1), calls, copied, lambda output: output)
    return {name: float(value) for name, value in found.items()}


def test_call_outputs_names_repeated_calls() -> None:
    assert outputs(Network(), "first", "first:2", "last") == {"first": 1, "first:2": 4, "last": 5}


def test_call_outputs_copies_what_is_changed_later() -> None:
    assert outputs(Network(), "first:2", "last", copied=("first:2",)) == {"first:2": 2, "last": 5}


def test_call_outputs_computes_no_later_layer() -> None:
    network = Network()
    assert outputs(network, "first") == {"first": 1}
    assert (network.first.calls, network.last.calls) == (1, 0)


def test_call_outputs_leaves_no_hooks() -> None:
    network = Network()
    outputs(network, "first")
    assert not network.first._forward_hooks
    assert float(network(torch.zeros(1))) == 5


def test_stoppable_forward_lets_errors_through() -> None:
    with pytest.raises(ZeroDivisionError), stoppable_forward():
        raise ZeroDivisionError


def test_call_hooks_refuse_other_outputs() -> None:
    network = nn.Sequential(nn.LSTM(2, 2))
    with pytest.raises(InputError, match="0: expected a tensor, found dict"):
        network[0].register_forward_hook(lambda *_: {})
        with call_hooks(network, {"0"}, lambda *_: None):
            network(torch.zeros(1, 1, 2))
