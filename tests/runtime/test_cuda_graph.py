"""Work as a CUDA graph: eager calls, then one capture and a replay at every call."""

from contextlib import contextmanager

import pytest
import torch

from gfmn.runtime.cuda_graph import EAGER_CALLS, GraphedWork


def test_graphed_work_runs_eagerly_then_is_captured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []

    class Graph:
        def replay(self) -> None:
            events.append("replay")

    @contextmanager
    def capture(graph: Graph):
        events.append("capture")
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", capture)
    work = GraphedWork(lambda: events.append("work"))
    for _ in range(EAGER_CALLS + 2):
        work()
    assert events == ["work"] * EAGER_CALLS + ["capture", "work", "replay", "replay"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_graphed_work_computes_what_eager_calls_do() -> None:
    total, one = torch.zeros(3, device="cuda"), torch.ones(3, device="cuda")
    work = GraphedWork(lambda: total.add_(one))
    for _ in range(EAGER_CALLS + 3):
        work()
    # A capture records the work and does not run it.
    assert total.tolist() == [EAGER_CALLS + 3.0] * 3
