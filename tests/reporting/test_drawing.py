"""What the figures share."""

from itertools import pairwise

from gfmn.reporting.figures.drawing import space_apart


def test_labels_are_moved_apart_in_their_order() -> None:
    positions = space_apart([0.0, 1.0, 1.5, 40.0], 10.0)
    assert positions == sorted(positions)
    assert min(b - a for a, b in pairwise(positions)) >= 10.0
    assert positions[3] == 40.0 and abs(sum(positions[:3]) - 2.5) < 1e-9
