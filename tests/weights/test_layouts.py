"""Published layouts become our networks: the same taps as the module that they are from."""

import io
from collections import OrderedDict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from builders.authors_networks import (
    VGG,
    ResNet,
    assert_same,
    expected_taps,
    images,
    random_weights,
)
from builders.torch_files import line
from torch import Tensor, nn

from gfmn.networks import build, describe
from gfmn.networks.extractor_file import (
    NetworkRecord,
    check_state,
    expected_state,
    load_network,
    read_header,
    save_extractor,
)
from gfmn.weights.containers import read_extractor, read_state_dict
from gfmn.weights.converters import FetchedNetwork, convert, fetch_network, save_fetched
from gfmn.weights.layouts import adapted, vgg_from_torchvision
from gfmn.weights.sources import digest

WHERE = "params.yaml: extractors.fetched.tiny"
VGGS = [f"vgg{depth}{end}" for depth in (11, 13, 16, 19) for end in ("", "_bn")]


def torch_file(state: Any, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def safetensors_file(state: dict[str, Tensor]) -> bytes:
    return safetensors.torch.save({key: value.contiguous() for key, value in state.items()})


def fetched(architecture: str, data: bytes, path: Path, **others: Any) -> FetchedNetwork:
    path.write_bytes(data)
    source = {"kind": "file", "path": str(path), "sha256": digest(data), "licence": "BSD"}
    facts = {"architecture": architecture, "source": source, **others}
    return FetchedNetwork.parse(facts, WHERE)


def taps_of(network: FetchedNetwork, folder: Path) -> list[Tensor]:
    """Through the extractor file, as the stage writes it."""
    path = folder / "out.safetensors"
    assert network.architecture in save_fetched(path, "tiny", network, WHERE)
    with torch.no_grad():
        return load_network(path, read_header(path).networks[0])(images())


@pytest.mark.parametrize("container", ["zip", "legacy", "safetensors"])
def test_vgg_has_the_same_taps_from_every_container(container: str, tmp_path: Path) -> None:
    name = "vgg11" if container == "legacy" else "vgg11_bn"
    network = random_weights(VGG("vgg11", name.endswith("bn")))
    state = network.state_dict()
    if container == "safetensors":
        data = safetensors_file(state)
    else:
        data = torch_file({"state_dict": state, "epoch": 3}, container == "zip")
    found = taps_of(fetched(name, data, tmp_path / "w"), tmp_path)
    assert_same(found, expected_taps(network))


@pytest.mark.parametrize("name", VGGS)
def test_every_vgg_of_torchvision_fits_ours_by_name_and_shape(name: str) -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        state = models.get_model(name).state_dict()
    network = describe(name)
    converted = vgg_from_torchvision(state, network, "file")
    check_state(converted, network, "file")
    assert len(converted) == len(expected_state(network))
    other = describe("vgg19" if name.endswith("bn") else "vgg16_bn")
    assert line(vgg_from_torchvision, state, other, "file").startswith("file: expected a VGG")


def test_resnet18_with_a_small_stem_has_the_same_taps(tmp_path: Path) -> None:
    network = random_weights(ResNet())
    # As a network on several devices is saved.
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    ours = fetched("resnet18", torch_file({"net": state, "acc": 9}), tmp_path / "w")
    assert_same(taps_of(ours, tmp_path), expected_taps(network))


def test_torchvisions_names_of_a_resnet_mean_the_same() -> None:
    state = ResNet().state_dict()
    pairs = (("shortcut", "downsample"), ("linear", "fc"))
    renamed = {k.replace(*pairs[0]).replace(*pairs[1]): v for k, v in state.items()}
    assert renamed.keys() != state.keys()
    found, expected = (convert("resnet18", torch_file(s), "file") for s in (renamed, state))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


def test_other_resnets_are_refused_with_the_architecture_that_takes_them() -> None:
    models = pytest.importorskip("torchvision.models")
    state = models.resnet18().state_dict()
    message = line(convert, "resnet18", torch_file(state), "file")
    assert message.startswith("file: expected a ResNet18 with a stem of 3 x 3, found one of 7 x 7")
    assert "'torchvision:resnet18'" in message
    state["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    assert convert("resnet18", torch_file(state), "file")["stem.conv.weight"].shape[-1] == 3
    state["layer1.0.conv3.weight"] = torch.zeros(1)
    assert "'layer1.0.conv3.weight'" in line(convert, "resnet18", torch_file(state), "file")


@pytest.mark.parametrize(
    ("model", "tap"),
    [("torchvision:resnet18", "layer2"), ("torchvision:mobilenet_v3_small", "features.3")],
)
def test_a_model_of_torchvision_keeps_its_names(model: str, tap: str) -> None:
    models = pytest.importorskip("torchvision.models")
    state = random_weights(models.get_model(model.partition(":")[2])).state_dict()
    assert any(key.endswith("num_batches_tracked") for key in state)
    converted = convert(model, torch_file(state), "file", taps=[tap])
    for key, value in converted.items():
        assert torch.equal(value, state[key.removeprefix("module.")])
    assert converted.keys() == expected_state(describe(model, taps=[tap])).keys()
    name = next(iter(converted)).removeprefix("module.")
    call = partial(convert, taps=[tap])
    message = line(call, model, torch_file({**state, "surplus.weight": state[name]}), "file")
    assert "'module.surplus.weight'" in message
    del state[name]
    message = line(call, model, torch_file(state), "file")
    assert message == f"file: expected the tensor 'module.{name}', found none"


def test_a_model_of_timm_keeps_its_names_and_loses_its_classifier() -> None:
    timm = pytest.importorskip("timm")
    state = random_weights(timm.create_model("resnet10t")).state_dict()
    converted = convert("timm:resnet10t", safetensors_file(state), "file")
    assert "module.conv1.0.weight" in converted and "module.fc.weight" not in converted


def test_only_a_classifier_may_be_left_out() -> None:
    state = {"fc.weight": torch.ones(1), "head.norm.weight": torch.ones(1)}
    state |= {"layer.fc.weight": torch.ones(1), "index": torch.tensor([1])}
    found = adapted(state, {"module.head.norm.weight"})
    assert found.keys() == {"module.head.norm.weight", "module.layer.fc.weight", "module.index"}
    assert found["module.index"].dtype == torch.int64


def test_half_precision_weights_become_float32() -> None:
    state = {key: value.half() for key, value in VGG("vgg11", False).state_dict().items()}
    converted = convert("vgg11", safetensors_file(state), "file")
    assert {value.dtype for value in converted.values()} == {torch.float32}


def test_a_file_of_our_own_format_is_taken_as_it_is(tmp_path: Path) -> None:
    records = [
        NetworkRecord(name, architecture, build(architecture).state_dict(), {})
        for name, architecture in (("a", "vgg11"), ("b", "resnet18"), ("c", "vgg11"))
    ]
    path = tmp_path / "in.safetensors"
    save_extractor(path, records[:2])
    record = fetch_network("a", fetched("resnet18", path.read_bytes(), path, resize=64), WHERE)
    assert record.state.keys() == expected_state(describe("resnet18")).keys()
    for key, value in record.state.items():
        assert torch.equal(value, records[1].state[key])
    assert record.arguments == {"resize": 64} and record.provenance["file"] == "in.safetensors"
    message = line(read_extractor, path.read_bytes(), "file", "vgg16")
    assert message == "file: expected one network 'vgg16', found vgg11, resnet18"
    save_extractor(path, records[::2])
    message = line(read_extractor, path.read_bytes(), "file", "vgg11")
    assert message == "file: expected one network 'vgg11', found vgg11, vgg11"


def test_an_encoder_comes_only_in_a_file_that_says_its_size(tmp_path: Path) -> None:
    data = torch_file(build("dcgan_encoder").state_dict())
    message = line(fetch_network, "e", fetched("dcgan_encoder", data, tmp_path / "w"), WHERE)
    assert "expected an extractor file with 'dcgan_encoder'" in message


def test_damaged_and_foreign_files_are_one_line() -> None:
    whole = safetensors_file({"a": torch.ones(9)})
    for data in (whole[:-3], whole[:20], b"", b"x" * 99, torch_file({})):
        assert line(read_state_dict, data, "file").startswith("file: expected a")
    assert "'a'" in line(convert, "vgg11", whole, "file")
    module = torch_file(nn.Sequential(OrderedDict(features=nn.Linear(1, 1))))
    assert "python -m gfmn.weights import" in line(read_state_dict, module, "file")
