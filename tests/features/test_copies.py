"""Copies of images as an array of its own, and their statistics."""

import numpy as np
import pytest
from builders.training import Taps32, orange_discs

from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.copies import Copies, CopiesConfig

SILENT = Progress("test", 1, "images", every=1e9)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_first_are_the_images_then_their_mirror_images_in_turns() -> None:
    plain = images(5)
    copies = Copies(plain, CopiesConfig(count=3))
    assert len(copies) == 15
    expected = np.concatenate((plain, plain[:, :, ::-1], plain))
    assert np.array_equal(copies[0:15], expected)
    numbers = np.array([14, 0, 7, 7])
    assert np.array_equal(copies[numbers], expected[numbers])


def test_later_copies_are_moved_by_up_to_the_shift() -> None:
    plain = images(40)
    copies = Copies(plain, CopiesConfig(count=2, flip=False, shift=1, seed=3))
    assert np.array_equal(copies[:40], plain)
    moved, kinds = copies[40:80], set()
    padded = np.pad(plain, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    for image, around in zip(moved, padded, strict=True):
        windows = {(y, x): around[y : y + 8, x : x + 8] for y in range(3) for x in range(3)}
        (found,) = (place for place, window in windows.items() if np.array_equal(window, image))
        kinds.add(found)
    assert len(kinds) == 9
    assert np.array_equal(Copies(plain, copies.config)[40:80], moved)


@pytest.mark.parametrize("shuffle", [False, True])
def test_statistics_of_copies_are_those_of_both_sets_together(shuffle: bool) -> None:
    network, discs = Taps32(), orange_discs()
    both = np.concatenate((discs, discs[:, :, ::-1]))
    copies = Copies(discs, CopiesConfig())
    found, expected = (
        statistics.extract(x, network, 16, SILENT, shuffle=shuffle) for x in (copies, both)
    )
    for one, other in zip(found, expected, strict=True):
        for tap in one:
            np.testing.assert_array_equal(one[tap], other[tap])
