"""The extractor file: what it holds, what is refused, and the stages that write it."""

import hashlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors
import safetensors.torch
import torch
from builders.extractor_files import encoder_file, line, record
from builders.published_weights import published_lite, saved

from gfmn.common import tensorfile
from gfmn.features.extractor import load_extractor
from gfmn.metrics.evaluator import load_evaluator
from gfmn.networks.extractor_file import (
    combine,
    file_digest,
    load_network,
    read_header,
    save_extractor,
)

STAGES = Path(__file__).parents[2] / "stages"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoder_file(tmp_path_factory.mktemp("files"))


def rewrite(
    source: Path, path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]
) -> Path:
    """A copy of an extractor file with its metadata or tensors changed."""
    tensors = safetensors.torch.load_file(source)
    facts = tensorfile.read_metadata(source, "extractor-2")
    change(facts, tensors)
    tensorfile.write(path, tensors, facts)
    return path


def test_save_extractor_gives_same_bytes_in_every_process(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.safetensors" for i in range(2)]
    # In another process too, since the order of hashes differs from process to process.
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "from builders.extractor_files import record, save_extractor\n"
        f"save_extractor({str(paths[1])!r}, [record('enc')])"
    )
    save_extractor(paths[0], [record("enc")])
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert file_digest(paths[0]) == hashlib.sha256(paths[0].read_bytes()).hexdigest()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_read_header_has_all_facts_of_the_network(encoder: Path) -> None:
    with safetensors.safe_open(encoder, "pt") as file:
        assert list(file.metadata()) == ["gfmn"]
        text = file.metadata()["gfmn"]
    assert text == json.dumps(json.loads(text), sort_keys=True)
    (network,) = read_header(encoder).networks
    assert network.image_size == 32 and network.arguments == {"image_size": 32, "latent": 128}
    assert network.mean == network.std == (0.5, 0.5, 0.5)
    assert network.provenance == {"a": 1, "b": "x"}


def test_combine_refuses_two_networks_of_one_name(encoder: Path, tmp_path: Path) -> None:
    message = line(combine, [encoder, encoder], tmp_path / "out.safetensors")
    assert "found two 'enc'" in message and not list(tmp_path.iterdir())


def test_missing_truncated_or_foreign_file_is_refused(encoder: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    assert "found no file" in line(load_extractor, path, 32)
    for data in (b"", b"PK not safetensors", encoder.read_bytes()[:-1], encoder.read_bytes()[:90]):
        path.write_bytes(data)
        message = line(load_extractor, path, 32)
        assert str(path) in message and "safetensors" in message
    safetensors.torch.save_file({"a": torch.ones(1)}, path)
    assert "expected format 'extractor-2'" in line(load_extractor, path, 32)


def test_file_with_wrong_tensors_or_metadata_is_refused(encoder: Path, tmp_path: Path) -> None:
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
        "found format 'extractor-1'": lambda facts, _: facts.update(format="extractor-1"),
        "no network architecture 'dcgan_encoda'": with_facts(architecture="dcgan_encoda"),
        "expected image_size 32, 48, 64, 128, found 31": with_facts(arguments={"image_size": 31}),
        "unexpected keyword argument 'depth'": with_facts(arguments={"depth": 1}),
        "expected tap_names": with_facts(taps=["a"]),
        "expected mean": with_facts(mean=[0.0, 0.0, 0.0]),
        "batchnorm: unknown key": with_facts(batchnorm="batch"),
    }
    for expected, change in cases.items():
        path = rewrite(encoder, tmp_path / "a.safetensors", change)
        message = line(load_extractor, path, 32)
        assert expected in message and str(path) in message, message


def test_save_extractor_refuses_state_of_other_architecture(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    wrong = record(architecture="dcgan_encoder", arguments={"image_size": 64}, image_size=64)
    assert "expected the tensor 'blocks.down4.conv.weight'" in line(save_extractor, path, [wrong])
    assert "pattern" in line(save_extractor, path, [record("a.b")])
    assert not list(tmp_path.iterdir())


def test_stages_write_networks_of_params(
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
        "license": "Apache-2.0",
        "path": "lite.pth",
    }
    network = {"architecture": "efficientnet_lite0", "source": source}
    params = {
        "extractors": {
            "fetched": {"lite": network},
            "combined": {"pair": {"networks": ["enc", "lite"]}},
        },
        "evaluators": {
            "fetched": {"eye": {**network, "resize": 64}},
            "from_extractor": {"own": {"extractor": "enc", "resize": 40}},
        },
    }
    (tmp_path / "params.yaml").write_text(json.dumps(params))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(STAGES)
    save_extractor("data/extractors/enc.safetensors", [record("enc")])
    for stage, name, out, networks in (
        ("fetch_extractor", "lite", "data/extractors/lite.safetensors", ["lite"]),
        ("fetch_evaluator", "eye", "data/evaluators/eye.safetensors", ["eye"]),
        ("evaluator_from_extractor", "own", "data/evaluators/own.safetensors", ["own"]),
        ("combine_extractors", "pair", "data/extractors/pair.safetensors", ["enc", "lite"]),
    ):
        importlib.import_module(stage).main(name)
        printed = capsys.readouterr().out
        assert printed.startswith(f"{out}: ") and file_digest(out)[:12] in printed
        assert printed.count("\n") == 1
        assert [network.name for network in read_header(out).networks] == networks
    provenance = read_header("data/extractors/lite.safetensors").networks[0].provenance
    assert provenance == {key: value for key, value in source.items() if key != "path"}
    eye, own = (load_evaluator(f"data/evaluators/{name}.safetensors") for name in ("eye", "own"))
    assert (eye.resizer, own.resizer) == tuple(f"antialiased bilinear to {n} px" for n in (64, 40))


def test_stage_without_its_input_is_one_line(tmp_path: Path) -> None:
    params = "extractors: {combined: {pair: {networks: [enc, enc]}}}\n"
    (tmp_path / "params.yaml").write_text(params)
    command = [sys.executable, str(STAGES / "combine_extractors.py"), "pair"]
    failed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 1 and failed.stderr.count("\n") == 1
    assert failed.stderr.startswith("error: data/extractors/enc.safetensors: expected")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (-1.0, "expected 0 or more, found -1"),
        (float("nan"), "expected finite numbers, found NaN or infinity 1 times"),
    ],
)
def test_file_with_numbers_that_are_none_is_refused_by_tensor(
    encoder: Path, tmp_path: Path, value: float, problem: str
) -> None:
    def change(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors[next(name for name in tensors if name.endswith("running_var"))][0] = value

    path = rewrite(encoder, tmp_path / "changed.safetensors", change)
    (header,) = read_header(path).networks
    assert f"running_var': {problem}" in line(load_network, path, header)
    state = dict(record().state)
    state[next(iter(state))] = state[next(iter(state))] * float("inf")
    assert "expected finite numbers" in line(save_extractor, path, [replace(record(), state=state)])
