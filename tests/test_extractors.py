"""The extractor file, and the frozen networks that are loaded from it."""

import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from test_weights import published_lite, saved
from torch import nn

from gfmn.errors import InputError
from gfmn.evaluators import load_evaluator
from gfmn.extractors import (
    NetworkRecord,
    bundle,
    check_image_size,
    file_digest,
    load_extractor,
    read_header,
    save_extractor,
    select_taps,
)
from gfmn.images import bytes_to_unit
from gfmn.networks import build

STAGES = Path(__file__).parents[1] / "stages"
NAMES = {"vgg": ("conv1_1", "conv1_2", "conv2_1"), "lite": ("stem", "head", "conv1_1")}


def record(name: str = "net", architecture: str = "dcgan_encoder", **changes: Any) -> NetworkRecord:
    """Random weights, of a small network by default."""
    torch.manual_seed(0)
    network = build(architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    facts: dict[str, Any] = {"provenance": {"b": "x", "a": 1}, "image_size": None}
    if architecture == "dcgan_encoder":
        facts |= {"image_size": 32, "arguments": {"image_size": 32, "latent": 128}}
    return NetworkRecord(name, architecture, network.state_dict(), **{**facts, **changes})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "enc.safetensors"
    save_extractor(path, [record("enc")])
    return path


@pytest.fixture(scope="module")
def both(encoder: Path) -> Path:
    """A bundle of the encoder and a Lite0."""
    lite, out = encoder.with_name("lite.safetensors"), encoder.with_name("both.safetensors")
    save_extractor(lite, [record("lite", "efficientnet_lite0")])
    bundle([encoder, lite], out)
    return out


def images(count: int = 2, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def line(call: Callable[..., Any], *arguments: Any) -> str:
    """The InputError's message, which is one line."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(
    source: Path, path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]
) -> Path:
    """A copy of an extractor file with its metadata or tensors changed."""
    tensors = safetensors.torch.load_file(source)
    with safetensors.safe_open(source, "pt") as file:
        facts = json.loads(file.metadata()["gfmn"])
    change(facts, tensors)
    safetensors.torch.save_file(tensors, path, {"gfmn": json.dumps(facts)})
    return path


def test_the_taps_are_the_networks_own(encoder: Path) -> None:
    extractor = load_extractor(encoder, 32, precision="fp32")
    source = record("enc")
    network = build("dcgan_encoder").eval()
    network.load_state_dict(source.state)
    assert [tap.name for tap in extractor.taps] == [f"enc.{name}" for name in network.tap_names]
    assert sum(np.prod(tap.shape) for tap in extractor.taps) == 61_440
    assert extractor.digest == file_digest(encoder)
    for info, tap, expected in zip(
        extractor.taps, extractor(images()), network(images()), strict=True
    ):
        assert tuple(tap.shape[1:]) == info.shape
        torch.testing.assert_close(tap, expected, rtol=1e-3, atol=1e-4)
        assert tap.is_contiguous(memory_format=torch.channels_last)


def test_an_extractor_stays_frozen_and_lets_gradients_through(encoder: Path) -> None:
    extractor = load_extractor(encoder, 32, precision="fp32")
    holder = nn.Sequential(extractor).train()
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in holder.parameters())
    x = images().requires_grad_()
    torch.autograd.backward(extractor(x), [torch.ones_like(tap) for tap in extractor(x)])
    assert x.grad is not None and x.grad.abs().max() > 0


def test_saving_in_two_processes_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(2)]
    # In another process too, since the order of hashes differs from process to process.
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        f"from test_extractors import *; save_extractor({str(paths[1])!r}, [record('enc')])"
    )
    save_extractor(paths[0], [record("enc")])
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert file_digest(paths[0]) == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_the_header_tells_all_that_is_needed_to_use_the_network(encoder: Path) -> None:
    with safetensors.safe_open(encoder, "pt") as file:
        assert list(file.metadata()) == ["gfmn"]
        text = file.metadata()["gfmn"]
    assert text == json.dumps(json.loads(text), sort_keys=True)
    (network,) = read_header(encoder).networks
    assert network.image_size == 32 and network.arguments == {"image_size": 32, "latent": 128}
    assert network.mean == network.std == (0.5, 0.5, 0.5) and network.batchnorm == "eval"
    assert network.provenance == {"a": 1, "b": "x"}


def test_a_bundle_computes_what_its_parts_compute(both: Path) -> None:
    parts = [
        tap
        for name in ("enc", "lite")
        for tap in load_extractor(both.with_name(f"{name}.safetensors"), 32)(images())
    ]
    extractor = load_extractor(both, 32)
    assert len(extractor.taps) == len(parts) == 5 + 49
    for tap, expected in zip(extractor(images()), parts, strict=True):
        assert torch.equal(tap, expected)


def test_two_networks_of_one_name_are_refused(encoder: Path, tmp_path: Path) -> None:
    message = line(bundle, [encoder, encoder], tmp_path / "out.safetensors")
    assert "found two 'enc'" in message and not list(tmp_path.iterdir())


def test_selected_taps_alone_are_returned_in_forward_order_and_computed(both: Path) -> None:
    chosen = ["lite.block01_depthwise", "down2", "enc.down1"]
    extractor = load_extractor(both, 32, chosen, "fp32")
    names = ["enc.down1", "enc.down2", "lite.block01_depthwise"]
    assert [tap.name for tap in extractor.taps] == names
    calls: list[nn.Module] = []
    for module in extractor.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    taps = extractor(images())
    assert len(calls) == 4 + 2
    everything = load_extractor(both, 32, "all", "fp32")
    known = dict(zip((tap.name for tap in everything.taps), everything(images()), strict=True))
    for name, tap in zip(names, taps, strict=True):
        assert torch.equal(tap, known[name])
    assert len(load_extractor(both, 32, 3).taps) == 6


def test_taps_in_bf16_are_near_those_in_fp32(both: Path) -> None:
    exact = load_extractor(both, 32, 5, "fp32")
    assert exact.precision == {"enc": "fp32", "lite": "fp32"}
    rounded = load_extractor(both, 32, 5, "bf16")
    assert rounded.precision == {"enc": "bf16", "lite": "bf16"}
    for tap, expected in zip(rounded(images()), exact(images()), strict=True):
        assert tap.dtype == torch.bfloat16 and expected.dtype == torch.float32
        assert (tap.float() - expected).norm() < 0.03 * expected.norm()
        assert not torch.equal(tap.float(), expected)


@pytest.mark.parametrize(("units", "dense"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_for_dense_networks_where_the_hardware_has_it(
    units: bool, dense: str, both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gfmn.devices.has_bf16_units", lambda device: units)
    assert load_extractor(both, 32, 1).precision == {"enc": dense, "lite": "fp32"}
    assert "expected one of" in line(load_extractor, both, 32, 1, "fp8")


@pytest.mark.parametrize(
    ("taps", "expected"),
    [
        ("all", {"vgg": ("conv1_1", "conv1_2", "conv2_1"), "lite": ("stem", "head", "conv1_1")}),
        (2, {"vgg": ("conv1_1", "conv1_2"), "lite": ("stem", "head")}),
        (
            ["head", "vgg.conv2_1", "vgg.conv1_1"],
            {"vgg": ("conv1_1", "conv2_1"), "lite": ("head",)},
        ),
        (["head"], {"vgg": (), "lite": ("head",)}),
    ],
)
def test_taps_are_selected_by_number_and_name(taps: Any, expected: Mapping[str, Any]) -> None:
    assert select_taps(NAMES, taps, "x") == expected


@pytest.mark.parametrize(
    ("taps", "parts"),
    [
        (["vgg.conv3_1"], ["no 'conv3_1'", "3 taps of vgg", "did you mean 'conv2_1'"]),
        (["heed"], ["no 'heed'", "did you mean 'head'"]),
        (["vgv.conv1_1"], ["no network 'vgv'", "did you mean 'vgg'"]),
        (["conv1_1"], ["vgg.conv1_1 or lite.conv1_1", "ambiguous"]),
        (["head", "lite.head"], ["'lite.head' twice"]),
        (4, ["'vgg' has 3 taps", "found 4"]),
        (0, ["found 0"]),
        ([], ["found []"]),
        ("every", ["'all'", "found 'every'"]),
    ],
)
def test_a_tap_that_no_network_has_is_one_line_with_a_hint(taps: Any, parts: list[str]) -> None:
    message = line(select_taps, NAMES, taps, "params.yaml: runs.a.taps")
    assert message.startswith("params.yaml: runs.a.taps: ")
    assert all(part in message for part in parts), message


def test_an_image_size_that_a_network_does_not_take_is_refused(encoder: Path) -> None:
    assert "expected images of 32 px, found 64 px" in line(load_extractor, encoder, 64)
    assert str(encoder) in line(load_extractor, encoder, 64)
    message = line(check_image_size, "vgg16", 40, None, "params.yaml: datasets.a.image_size")
    assert message == (
        "params.yaml: datasets.a.image_size: vgg16 expects a multiple of 16 px, found 40 px"
    )
    check_image_size("vgg16", 48, None, "x")
    check_image_size("efficientnet_lite0", 33, None, "x")


def test_a_missing_truncated_or_foreign_file_is_one_line_that_names_it(
    encoder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.safetensors"
    assert "found no file" in line(load_extractor, path, 32)
    for data in (b"", b"PK not safetensors", encoder.read_bytes()[:-1], encoder.read_bytes()[:90]):
        path.write_bytes(data)
        message = line(load_extractor, path, 32)
        assert str(path) in message and "safetensors" in message
    safetensors.torch.save_file({"a": torch.ones(1)}, path)
    assert "expected format 'extractor-1'" in line(load_extractor, path, 32)


def test_a_file_that_contradicts_itself_or_us_is_refused(encoder: Path, tmp_path: Path) -> None:
    key = "enc/blocks.down2.conv.weight"

    def lacks(facts: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        del tensors[key]

    def misshapen(facts: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors[key] = tensors[key][:5].clone()

    def with_facts(**changes: Any) -> Callable[..., None]:
        return lambda facts, tensors: facts["networks"][0].update(changes)

    cases = {
        "expected the tensor 'blocks.down2.conv.weight', found none": lacks,
        "expected the shape (128, 64, 4, 4), found (5, 64, 4, 4)": misshapen,
        "found format 'extractor-2'": lambda facts, _: facts.update(format="extractor-2"),
        "no network architecture 'dcgan_encoda'": with_facts(architecture="dcgan_encoda"),
        "expected image_size 32, 64, 128, found 31": with_facts(arguments={"image_size": 31}),
        "unexpected keyword argument 'depth'": with_facts(arguments={"depth": 1}),
        "expected tap_names": with_facts(taps=["a"]),
        "expected mean": with_facts(mean=[0.0, 0.0, 0.0]),
        "expected 'eval', found 'batch'": with_facts(batchnorm="batch"),
    }
    for expected, change in cases.items():
        path = rewrite(encoder, tmp_path / "a.safetensors", change)
        message = line(load_extractor, path, 32)
        assert expected in message and str(path) in message, message


def test_a_state_of_another_architecture_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    wrong = record(architecture="dcgan_encoder", arguments={"image_size": 64}, image_size=64)
    assert "expected the tensor 'blocks.down4.conv.weight'" in line(save_extractor, path, [wrong])
    assert "pattern" in line(save_extractor, path, [record("a.b")])
    assert not list(tmp_path.iterdir())


def test_an_evaluator_sees_resized_bytes_and_its_batch_changes_nothing(
    both: Path, encoder: Path
) -> None:
    path = both.with_name("lite.safetensors")
    evaluator = load_evaluator(path, 40)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    features, logits = evaluator.features_and_logits(pictures, batch=2)
    assert (features.shape, logits.shape) == ((5, 1280), (5, 1000))
    assert features.dtype == logits.dtype == np.float32
    whole = evaluator.features_and_logits(pictures)
    for found, expected in zip((features, logits), whole, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    network = build("efficientnet_lite0").eval()
    network.load_state_dict(record(architecture="efficientnet_lite0").state)
    resized = nn.functional.interpolate(
        bytes_to_unit(pictures), (40, 40), mode="bilinear", antialias=True
    )
    with torch.no_grad():
        pooled, scores = network.pooled_and_logits(resized)
    np.testing.assert_allclose(features, pooled.numpy(), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(logits, scores.numpy(), rtol=1e-2, atol=1e-3)
    assert evaluator.digest == file_digest(path) and evaluator.name == "lite"
    assert "expected one network, found 2" in line(load_evaluator, both, 32)
    assert "expected a classifier" in line(load_evaluator, encoder, 32)


def test_the_stages_fetch_and_bundle_what_the_parameters_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    member = saved(published_lite("efficientnet_lite0"))
    (tmp_path / "lite.pth").write_bytes(member)
    source = {
        "package": "tiny",
        "version": "1.0",
        "kind": "wheel",
        "package_sha256": "0" * 64,
        "member": "tiny/lite.pth",
        "sha256": hashlib.sha256(member).hexdigest(),
        "licence": "Apache-2.0",
        "path": "lite.pth",
    }
    network = {"architecture": "efficientnet_lite0", "source": source}
    params = {
        "extractors": {
            "fetched": {"lite": network},
            "bundled": {"pair": {"first": "enc", "second": "lite"}},
        },
        "evaluators": {"eye": {**network, "resize": 64}},
    }
    (tmp_path / "params.yaml").write_text(json.dumps(params))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(STAGES)
    save_extractor("data/extractors/enc.safetensors", [record("enc")])
    for stage, name, out, networks in (
        ("fetch_extractor", "lite", "data/extractors/lite.safetensors", ["lite"]),
        ("fetch_evaluator", "eye", "data/evaluators/eye.safetensors", ["eye"]),
        ("bundle_extractor", "pair", "data/extractors/pair.safetensors", ["enc", "lite"]),
    ):
        importlib.import_module(stage).main(name)
        printed = capsys.readouterr().out
        assert printed.startswith(f"{out}: ") and file_digest(out)[:12] in printed
        assert printed.count("\n") == 1
        assert [network.name for network in read_header(out).networks] == networks
    provenance = read_header("data/extractors/lite.safetensors").networks[0].provenance
    assert provenance == {key: value for key, value in source.items() if key != "path"}
    assert load_evaluator("data/evaluators/eye.safetensors", 64).resize == 64


def test_a_stage_ends_in_one_line_without_its_input(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(
        "extractors: {bundled: {pair: {first: enc, second: enc}}}\n"
    )
    command = [sys.executable, str(STAGES / "bundle_extractor.py"), "pair"]
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("error: data/extractors/enc.safetensors: expected")
