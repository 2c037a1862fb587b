"""The autoencoders' encoders: their codes, weights and image sizes."""

import pytest
import torch
from builders.networks import images

from gfmn.common.errors import InputError
from gfmn.networks import build
from gfmn.networks.conv_norm import ConvNormReLU


@pytest.mark.parametrize(("size", "width"), [(32, 256), (48, 256), (64, 512), (128, 512)])
def test_encoder_makes_one_code_per_image(size: int, width: int) -> None:
    encoder, last = build("dcgan_encoder", image_size=size, latent=7).eval(), 4 + 2 * (size == 48)
    code = encoder.encode(images(size) * 2 - 1)
    assert code.shape == (2, 7)
    assert code.abs().max() < 1
    assert encoder.tap_shapes(size)[-1] == (width, last, last)
    assert not any("bias" in name for name, _ in encoder.named_parameters() if "conv" in name)


def test_encoder_has_initial_weights_of_paper_and_tracks_statistics() -> None:
    torch.manual_seed(0)
    encoder = build("dcgan_encoder")
    unit = encoder.blocks["down3"]
    assert isinstance(unit, ConvNormReLU)
    assert unit.conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert unit.norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert unit.norm.weight.std().item() == pytest.approx(0.02, rel=0.2)
    before = unit.norm.running_var.clone()
    encoder.train().encode(images(32))
    trained = unit.norm.running_var.clone()
    assert not torch.equal(trained, before)
    encoder.eval()(images(32))
    assert torch.equal(unit.norm.running_var, trained)


def test_encoder_of_unknown_image_size_is_refused() -> None:
    with pytest.raises(InputError, match="expected image_size 32, 48, 64, 128, found 40"):
        build("dcgan_encoder", image_size=40)
