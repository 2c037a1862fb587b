"""EfficientNet-Lite against timm with the same random weights."""

import itertools

import pytest
import timm
import torch
from builders.networks import copy_weights, images, randomized, relative_error
from torch import Tensor

from gfmn.networks import build

LITES = {
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
}


@pytest.mark.parametrize("size", [64, 75])
@pytest.mark.parametrize("name", LITES)
def test_lite_features_and_logits_equal_timm(name: str, size: int) -> None:
    theirs = randomized(timm.create_model(LITES[name], pretrained=False))
    ours = build(name).eval()
    copy_weights(theirs, ours)
    x = images(size)
    inputs = (x * 255 - 127) / 128
    blocks: list[Tensor] = []
    for block in itertools.chain(*theirs.blocks):
        block.register_forward_hook(lambda *call: blocks.append(call[-1]))
    with torch.no_grad():
        pooled, logits = ours.pooled_and_logits(x)
        reference = theirs.forward_head(theirs.forward_features(inputs), pre_logits=True)
        assert relative_error(pooled, reference) < 1e-4
        assert relative_error(logits, theirs(inputs)) < 1e-4
        taps = dict(zip(ours.tap_names, ours(x), strict=True))
    torch.testing.assert_close(taps["head"].mean((2, 3)), pooled)
    outputs = [tap for name, tap in taps.items() if name.endswith("_output")]
    for tap, block in zip(outputs, blocks[: len(outputs)], strict=True):
        assert relative_error(tap, block) < 1e-4
