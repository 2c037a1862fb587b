"""ResNet18 against torchvision with the same random weights."""

import pytest
import torchvision
from builders.networks import copy_weights, images, normalized, randomized, relative_error
from torch import Tensor, nn

from gfmn.networks import build


@pytest.mark.parametrize("size", [32, 64])
def test_resnet18_taps_equal_torchvision_with_small_stem(size: int) -> None:
    theirs = torchvision.models.resnet18(weights=None)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    randomized(theirs)
    expected: list[Tensor] = []
    for module in theirs.modules():  # one ReLU module serves both halves of a block
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda *call: expected.append(call[-1].clone()))
    theirs(normalized(images(size)))
    ours = build("resnet18").eval().requires_grad_(False)
    copy_weights(theirs, ours)
    for _ in range(2):
        taps = ours(images(size))
        assert len(taps) == len(expected) == len(ours.tap_names) == 17
        for tap, reference in zip(taps, expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
        ours.freeze()
