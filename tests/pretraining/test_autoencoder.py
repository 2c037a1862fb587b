"""Autoencoders trained here: an extractor and a decoder."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.pretraining import AUTOENCODER, task

from gfmn import generators
from gfmn.datasets.prepared import PreparedDataset
from gfmn.features.extractor import load_extractor
from gfmn.networks.extractor_file import save_extractor


@pytest.mark.parametrize(
    ("architecture", "error", "decoder"),
    [
        ("dcgan_encoder", "squared", "resnet"),
        ("dcgan_encoder", "laplacian", "dcgan"),
        ("vgg19_encoder", "squared", "dcgan"),
    ],
)
def test_autoencoder_learns_encoder_and_decoder(
    architecture: str, error: str, decoder: str, digits: PreparedDataset, tmp_path: Path
) -> None:
    changes = {"architecture": architecture, "error": error, "steps": 12, "decoder": decoder}
    found = task(digits, AUTOENCODER, **changes)
    losses = [float(found.step(step)) for step in range(12)]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    result = found.result()
    assert set(result.metrics) == {"squared_error", "laplacian_error", "images"}
    save_extractor(tmp_path / "net.safetensors", [result.record])
    extractor = load_extractor(tmp_path / "net.safetensors", 32, precision="fp32")
    features = sum(torch.Size(tap.shape).numel() for tap in extractor.taps)
    assert features == {"dcgan_encoder": 61_440, "vgg19_encoder": 303_104}[architecture]
    assert result.decoder is not None
    generators.save_decoder(result.decoder, tmp_path / "decoder.safetensors")
    start = generators.load_decoder(tmp_path / "decoder.safetensors", decoder, 32, 16)
    generator = generators.build(decoder, 32, 16)
    assert start is not None
    generator.load_state_dict(start)
    z = torch.randn(2, 16)
    with torch.no_grad():
        assert torch.equal(generator.eval()(z), found.modules["decoder"].eval()(z))


def test_decoder_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.safetensors"
    generators.save_decoder(None, path)
    assert generators.load_decoder(path, "dcgan", 32, 128) is None
    state = generators.build("dcgan", 32, 128).state_dict()
    generators.save_decoder(generators.Decoder("dcgan", 32, 128, state), path)
    message = line(generators.load_decoder, path, "dcgan", 32, 100)
    assert message == f"{path}: expected a decoder of latent 100, found 128"
