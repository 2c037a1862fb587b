"""A piece of work as one CUDA graph: the host then launches it with one call."""

import torch

from gfmn.common.devices import Work

EAGER_CALLS = 3  # before the capture, as the documentation of CUDA graphs asks


class GraphedWork:
    """Runs work eagerly a few times, then captures it and replays the graph at every call.

    The work must read and write the same tensors at every call; what changes goes into them in
    place between two calls.
    """

    def __init__(self, work: Work) -> None:
        self.work, self.calls = work, 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if self.calls < EAGER_CALLS:
            self.calls += 1
            self.work()
            return
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.work()
        self.graph.replay()
