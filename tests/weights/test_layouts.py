"""Published layouts: names of tensors there and here."""

import pytest
import torch
from builders.authors_networks import ResNet
from builders.input_errors import line
from builders.published_weights import published_lite

from gfmn.networks import build, describe
from gfmn.networks.extractor_file import check_state, expected_state
from gfmn.weights.layouts import (
    LAYOUTS,
    library_model,
    lite_from_torch,
    plain,
    resnet_from_torch,
    vgg_from_torchvision,
)

VGGS = [f"vgg{depth}{end}" for depth in (11, 13, 16, 19) for end in ("", "_bn")]


@pytest.mark.parametrize("name", VGGS)
def test_every_vgg_of_torchvision_fits_by_name_and_shape(name: str) -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        state = models.get_model(name).state_dict()
    network = describe(name)
    converted = LAYOUTS[name](state)
    check_state(converted, network, "file")
    assert len(converted) == len(expected_state(network))
    other = "vgg19" if name.endswith("bn") else "vgg16_bn"
    assert line(vgg_from_torchvision, other, state).startswith("expected a VGG")


def test_torchvisions_names_of_a_resnet_mean_the_same() -> None:
    state = ResNet().state_dict()
    pairs = (("shortcut", "downsample"), ("linear", "fc"))
    renamed = {k.replace(*pairs[0]).replace(*pairs[1]): v for k, v in state.items()}
    assert renamed.keys() != state.keys()
    found, expected = (resnet_from_torch(names) for names in (renamed, state))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_other_resnets_are_refused_with_the_architecture_that_takes_them() -> None:
    models = pytest.importorskip("torchvision.models")
    state = models.resnet18().state_dict()
    message = line(resnet_from_torch, state)
    assert message.startswith("expected a ResNet18 with a stem of 3 x 3, found one of 7 x 7")
    assert "'torchvision:resnet18'" in message
    state["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    assert resnet_from_torch(state)["stem.conv.weight"].shape[-1] == 3
    state["layer1.0.conv3.weight"] = torch.zeros(1)
    assert "'layer1.0.conv3.weight'" in line(resnet_from_torch, state)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
def test_published_names_become_lites_state(name: str) -> None:
    published = published_lite(name)
    assert {"_blocks.1._expand_conv.weight", "_blocks.0._bn2.running_var"} <= set(published)
    state = LAYOUTS[name](published)
    build(name).load_state_dict(state, strict=False)
    assert torch.equal(
        state["block03.depthwise.conv.weight"], published["_blocks.2._depthwise_conv.weight"]
    )
    published["_blocks.1._se_reduce.weight"] = torch.ones(1)
    assert "found '_blocks.1._se_reduce.weight'" in line(lite_from_torch, published)


def test_library_model_loses_its_classifier_alone() -> None:
    state = {"fc.weight": torch.ones(1), "head.norm.weight": torch.ones(1)}
    state |= {"layer.fc.weight": torch.ones(1), "index": torch.tensor([1])}
    found = library_model(state, {"module.head.norm.weight"})
    assert found.keys() == {"module.head.norm.weight", "module.layer.fc.weight", "module.index"}
    assert found["module.index"].dtype == torch.int64


def test_plain_state_is_float32_without_counters() -> None:
    state = {"a": torch.ones(2, 3).half().T, "n": torch.tensor(1)}
    found = plain({**state, "bn.num_batches_tracked": torch.tensor(9)})
    assert found.keys() == state.keys() and found["n"].dtype == torch.int64
    assert found["a"].dtype == torch.float32 and found["a"].is_contiguous()
