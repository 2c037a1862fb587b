"""VGG against torchvision with the same random weights, and the counts of features of the paper."""

import itertools
import math

import pytest
import torchvision
from builders.networks import copy_weights, images, normalized, randomized, relative_error
from torch import nn

from gfmn.networks import build, describe


@pytest.mark.parametrize(("name", "count"), [("vgg16", 13), ("vgg19_bn", 16)])
def test_vgg_taps_equal_torchvision_before_and_after_freezing(name: str, count: int) -> None:
    theirs = randomized(getattr(torchvision.models, name)(weights=None)).features
    ours = build(name).eval().requires_grad_(False)
    copy_weights(theirs, ours)
    x, expected = normalized(images(32)), []
    for layer in theirs:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            expected.append(x.clone())
    for _ in range(2):
        taps = ours(images(32))
        assert len(taps) == len(expected) == len(ours.tap_names) == count
        for tap, reference in zip(taps, expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
        ours.freeze()


def test_vgg19_first_taps_have_feature_counts_of_table_3() -> None:
    counts = list(itertools.accumulate(map(math.prod, describe("vgg19_bn").tap_shapes(32))))
    printed = {1: 64, 3: 160, 5: 208, 7: 240, 9: 264, 11: 280, 13: 290, 15: 294, 16: 296}
    assert {n: counts[n - 1] // 1024 for n in printed} == printed
