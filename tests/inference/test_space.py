"""`gfmn space`: a network's features as a space of scores, alone and in a study."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.commands import gfmn, refused
from builders.extractor_files import combined_file, encoder_file

from gfmn.common import parameters
from gfmn.common.images import bytes_to_unit
from gfmn.metrics.evaluator import load_evaluator
from gfmn.networks.extractor_file import load_network, read_header
from gfmn.weights.config import FetchedEvaluator
from gfmn.weights.convert import save_fetched


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return encoder_file(tmp_path)


def test_features_are_the_networks_last_tap_averaged(encoder: Path) -> None:
    out = encoder.with_name("spaces") / "own.safetensors"
    gfmn("space", encoder, "--out", out)
    evaluator = load_evaluator(out)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    network = load_network(encoder, read_header(encoder).networks[0])
    with torch.no_grad():
        expected = network(bytes_to_unit(images))[-1].mean((2, 3))
    assert np.allclose(evaluator.features(images).pooled, expected, atol=1e-5)
    assert evaluator.name == "own" and evaluator.resizer == "none"


def test_study_uses_the_file_as_it_is(
    encoder: Path, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = encoder.with_name("own.safetensors")
    gfmn("space", encoder, "--out", out, "--resize", 32)
    gfmn("add", "evaluator", "own", out, "--study", study)
    params = parameters.read(study / "params.yaml")
    assert {"fast-own"} < params["evaluations"].keys()
    row = params["evaluators"]["fetched"]["own"]
    assert row["source"]["path"] == "../own.safetensors" and "resize" not in row
    monkeypatch.chdir(study)
    fetched = FetchedEvaluator.parse(row, "own")
    save_fetched(study / "fetched.safetensors", "own", fetched, "own")
    found = load_evaluator(study / "fetched.safetensors")
    assert found.resizer == load_evaluator(out).resizer == "antialiased bilinear to 32 px"


def test_result_says_what_it_is(encoder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = encoder.with_name("own.safetensors")
    gfmn("space", encoder, "--out", out, "--name", "mine", "--json")
    expected = {"name": "mine", "architecture": "dcgan_encoder", "resize": None, "out": str(out)}
    assert json.loads(capsys.readouterr().out) == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("vgg", "--out", "a.safetensors"), "NETWORK: no 'vgg'; did you mean 'vgg"),
        (("enc.safetensors", "--out", "a.pt"), "--out: expected a .safetensors file, found a.pt"),
        (("enc.safetensors", "--out", "A.safetensors"), "--name: expected a name of a-z"),
        (("no.safetensors", "--out", "a.safetensors"), "no.safetensors: expected a file of format"),
        (("both.safetensors", "--out", "a.safetensors"), "expected one network, found 2"),
        (("enc.safetensors", "--out", "enc.safetensors"), "expected no file, found one"),
        (
            ("enc.safetensors", "--out", "a.safetensors", "--resize", "0"),
            "--resize: expected a whole",
        ),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_no_file(
    words: tuple[str, ...], message: str, encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    combined_file(encoder)
    monkeypatch.chdir(encoder.parent)
    before = {*Path().iterdir()}
    assert message in refused("space", *words)
    assert {*Path().iterdir()} == before
