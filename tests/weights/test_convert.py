"""Published files become our networks: the same taps as the module that they are from."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.authors_networks import (
    VGG,
    ResNet,
    assert_same,
    expected_taps,
    images,
    random_weights,
)
from builders.input_errors import line
from builders.published_weights import published_lite, safetensors_file, saved
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.networks import build, describe
from gfmn.networks.extractor_file import (
    NetworkRecord,
    expected_state,
    load_network,
    read_header,
    save_extractor,
)
from gfmn.weights.config import FetchedNetwork
from gfmn.weights.convert import convert, describe_published, fetch_network, save_fetched
from gfmn.weights.hashes import digest
from gfmn.weights.recognize import import_checkpoint

WHERE = "params.yaml: extractors.fetched.tiny"


def fetched(architecture: str, data: bytes, path: Path, **others: Any) -> FetchedNetwork:
    path.write_bytes(data)
    source = {"kind": "file", "path": str(path), "sha256": digest(data), "license": "BSD"}
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
        data = saved(
            {"state_dict": state, "epoch": 3}, _use_new_zipfile_serialization=container == "zip"
        )
    found = taps_of(fetched(name, data, tmp_path / "w"), tmp_path)
    assert_same(found, expected_taps(network))


def test_resnet18_with_a_small_stem_has_the_same_taps(tmp_path: Path) -> None:
    network = random_weights(ResNet())
    # As a network on several devices is saved.
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    ours = fetched("resnet18", saved({"net": state, "acc": 9}), tmp_path / "w")
    assert_same(taps_of(ours, tmp_path), expected_taps(network))


@pytest.mark.parametrize(
    ("model", "tap"),
    [("torchvision:resnet18", "layer2"), ("torchvision:mobilenet_v3_small", "features.3")],
)
def test_torchvision_model_keeps_its_names(model: str, tap: str) -> None:
    models = pytest.importorskip("torchvision.models")
    state = random_weights(models.get_model(model.partition(":")[2])).state_dict()
    assert any(key.endswith("num_batches_tracked") for key in state)
    converted = convert(model, saved(state), "file", taps=[tap])
    for key, value in converted.items():
        assert torch.equal(value, state[key.removeprefix("module.")])
    assert converted.keys() == expected_state(describe(model, taps=[tap])).keys()
    name = next(iter(converted)).removeprefix("module.")
    call = partial(convert, taps=[tap])
    message = line(call, model, saved({**state, "surplus.weight": state[name]}), "file")
    assert "'module.surplus.weight'" in message
    del state[name]
    message = line(call, model, saved(state), "file")
    assert message == f"file: expected the tensor 'module.{name}', found none"


def test_timm_model_keeps_its_names_and_loses_its_classifier() -> None:
    timm = pytest.importorskip("timm")
    state = random_weights(timm.create_model("resnet10t")).state_dict()
    converted = convert("timm:resnet10t", safetensors_file(state), "file")
    assert "module.conv1.0.weight" in converted and "module.fc.weight" not in converted


def test_half_precision_weights_become_float32() -> None:
    state = {key: value.half() for key, value in VGG("vgg11", False).state_dict().items()}
    converted = convert("vgg11", safetensors_file(state), "file")
    assert {value.dtype for value in converted.values()} == {torch.float32}


def test_file_of_our_own_format_is_taken_as_it_is(tmp_path: Path) -> None:
    records = [
        NetworkRecord(name, architecture, build(architecture).state_dict(), {})
        for name, architecture in (("a", "vgg11"), ("b", "resnet18"))
    ]
    path = tmp_path / "in.safetensors"
    save_extractor(path, records)
    record = fetch_network("a", fetched("resnet18", path.read_bytes(), path, resize=64), WHERE)
    assert record.state.keys() == expected_state(describe("resnet18")).keys()
    for key, value in record.state.items():
        assert torch.equal(value, records[1].state[key])
    assert record.arguments == {"resize": 64} and record.provenance["file"] == "in.safetensors"


def test_encoder_comes_only_in_a_file_that_states_its_size(tmp_path: Path) -> None:
    data = saved(build("dcgan_encoder").state_dict())
    message = line(fetch_network, "e", fetched("dcgan_encoder", data, tmp_path / "w"), WHERE)
    assert "expected an extractor file with 'dcgan_encoder'" in message


def flax_vgg16(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    layers, channels = {}, 3
    for i, out in enumerate([64] * 2 + [128] * 2 + [256] * 3 + [512] * 6):
        kernel = rng.standard_normal((3, 3, channels, out), np.float32)
        layers[f"Conv_{i}"] = {"kernel": kernel, "bias": rng.standard_normal(out, np.float32)}
        channels = out
    return {"VGG16_0": layers}


def test_flax_kernels_become_vgg16s_weights() -> None:
    tree = flax_vgg16()
    state = convert("vgg16", pickle.dumps(tree, 3), "vgg16.ckpt")
    build("vgg16").load_state_dict(state)
    kernel = tree["VGG16_0"]["Conv_2"]["kernel"]
    assert state["conv2_1.weight"][5, 7, 0, 2] == kernel[0, 2, 7, 5]
    np.testing.assert_array_equal(state["conv5_3.bias"], tree["VGG16_0"]["Conv_12"]["bias"])
    del tree["VGG16_0"]["Conv_12"]
    message = line(convert, "vgg16", pickle.dumps(tree, 3), "vgg16.ckpt")
    assert message == "vgg16.ckpt: expected VGG16_0/Conv_12, found no Conv_12"


def test_file_of_another_network_is_refused_by_name_and_shape() -> None:
    data = saved(published_lite("efficientnet_lite0"))
    message = line(convert, "efficientnet_lite2", data, "lite.pth")
    assert message.startswith("lite.pth: ") and "expected" in message and "found" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_tensor_that_is_not_finite_is_refused_by_name(value: float, tmp_path: Path) -> None:
    state = {key: tensor.clone() for key, tensor in build("vgg11").state_dict().items()}
    path = tmp_path / "in.safetensors"
    save_extractor(path, [NetworkRecord("a", "vgg11", state, {})])
    tensors, facts = tensorfile.read(path), tensorfile.read_metadata(path, "extractor-2")
    tensors["a/conv2_1.bias"][:2] = value
    tensorfile.write(path, tensors, facts)
    published = VGG("vgg11", False).state_dict()
    published["features.3.bias"][:2] = value
    files = [path.read_bytes(), safetensors_file(published)]
    for data in files:
        message = line(fetch_network, "a", fetched("vgg11", data, tmp_path / "w"), WHERE)
        assert "'conv2_1.bias': expected finite numbers, found NaN or infinity 2 times" in message
    (tmp_path / "ckpt.pth").write_bytes(saved(published))
    assert "'conv2_1.bias'" in line(import_checkpoint, tmp_path / "ckpt.pth")


def test_url_with_a_password_is_refused_without_repeating_it() -> None:
    source = {"kind": "url", "url": "https://me:pw@a/w.pth", "sha256": "0" * 64, "license": "BSD"}
    network = FetchedNetwork.parse({"architecture": "vgg16", "source": source}, WHERE)
    for call in (describe_published, partial(fetch_network, "tiny")):
        message = line(call, network, WHERE)
        assert message.startswith(f"{WHERE}.source.url: expected no user") and "pw" not in message
