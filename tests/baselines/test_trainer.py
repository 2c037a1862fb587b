"""One update of every method with every generator, exact resumes, and the order of real images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import baselines
from torch import Tensor

from gfmn import generators
from gfmn.baselines import METHODS
from gfmn.baselines.base import Setting
from gfmn.baselines.images import RealImages
from gfmn.baselines.trainer import BaselineTrainer, Inputs
from gfmn.common.errors import InputError
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, save_extractor

FEW: dict[str, dict[str, Any]] = {  # updates and images
    "mmd_gan": {"first": 0, "every": 10, "many": 2, "critic_steps": 1, "code": 8},
    "mmd_rq_gan": {"critic_steps": 1},
    "molm": {"phase": 2, "critic_steps": 1, "measured": 1},
    "gan_dfm": {"denoiser_width": 8},
    "wgan_gp": {"critic_steps": 1},
    "fisher_gan": {"critic_steps": 1},
    "improved_gan": {"batch": 4},
    "gmmn": {"batch": 4},
}
ROWS = [
    *((method, few) for method, few in FEW.items()),
    ("sn_gan", {}),
    ("sn_gan", {"conditional": True, "critic": "resnet", "generator": "dcgan"}),
    ("wgan_gp", {"conditional": True, "critic_steps": 1, "critic": "sngan", "ema": 0.9}),
    ("fisher_gan", {"conditional": True, "critic_steps": 1, "generator": "resnet"}),
]


def copies(trainer: BaselineTrainer) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in trainer.state().items()}


@pytest.mark.parametrize(("method", "changes"), ROWS)
def test_every_method_trains_and_resumes_exactly(
    method: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data, config = baselines.images(), baselines.config(method, **changes)
    whole = baselines.trainer(data, config)
    before = copies(whole)
    whole.step(0)
    half = copies(whole)
    whole.step(1)
    assert whole.finite() and all(np.isfinite(value) for value in whole.measure().values())
    moved = [k for k, v in before.items() if k.startswith("generator/") and v.is_floating_point()]
    assert any(not torch.equal(before[key], half[key]) for key in moved)
    resumed = baselines.trainer(data, config)
    resumed.load_state(half)
    resumed.step(1)
    for key, value in whole.state().items():
        assert torch.equal(value, resumed.state()[key]), key


def test_every_method_is_among_these() -> None:
    assert {method for method, _ in ROWS} == METHODS.keys() - {"gmmn_ae"}


def test_gmmn_of_codes_trains_the_codes_alone_and_lowers_their_distance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    data = baselines.images()
    arguments: dict[str, Any] = {"image_size": 32, "latent": 8}
    state = build("dcgan_encoder", **arguments).state_dict()
    record = NetworkRecord("e", "dcgan_encoder", state, {}, arguments, 32)
    save_extractor(tmp_path / "e.safetensors", [record])
    decoder = generators.Decoder("dcgan", 32, 8, generators.build("dcgan", 32, 8).state_dict())
    generators.save_decoder(decoder, tmp_path / "d.safetensors")
    setting = Setting(32, 0, tmp_path / "e.safetensors", tmp_path / "d.safetensors")
    names = {"generator": "dcgan_of_codes", "extractor": "e", "decoder": "d"}
    config = baselines.config("gmmn_ae", **names, batch=24, scales=[1.0])
    trainer = BaselineTrainer(config, Inputs(data, setting, {}))
    losses = []
    for step in range(8):
        trainer.step(step)
        losses.append(trainer.measure()["loss"])
    assert losses[-1] < losses[0]
    trainer.generator.train()
    for key, value in trainer.generator.state_dict().items():
        if key.startswith("decoder."):
            assert torch.equal(value, decoder.state[key.removeprefix("decoder.")]), key


@pytest.mark.parametrize("pretrained", [True, False])
def test_critic_of_an_extractor_begins_with_its_weights_or_without(
    pretrained: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    state = build("vgg11_bn").state_dict()
    save_extractor(tmp_path / "v.safetensors", [NetworkRecord("v", "vgg11_bn", state, {})])
    named = {"extractor": "v", "critic": "extractor"}
    config = baselines.config("wgan_gp", pretrained=pretrained, **named)
    critic = config.build(Setting(32, 0, tmp_path / "v.safetensors")).critic
    assert critic is not None
    found = critic.state_dict()["blocks.0.network.conv1_1.conv.weight"]
    assert torch.equal(found, state["conv1_1.conv.weight"]) == pretrained
    assert all(weight.requires_grad for weight in critic.parameters())


def test_each_image_is_drawn_once_an_epoch_in_an_order_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = baselines.images(count=10)
    real = RealImages(data, seed=0, with_labels=True)
    drawn = np.concatenate([real.indices(4) for _ in range(5)])
    epochs = drawn[:10], drawn[10:]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert list(epochs[0]) != list(epochs[1])
    resumed = RealImages(data, seed=0, with_labels=True)
    resumed.drawn = 12
    np.testing.assert_array_equal(resumed.indices(4), drawn[12:16])


def test_minibatch_has_the_bytes_of_its_images_in_the_signed_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = baselines.images(count=6)
    batch = RealImages(data, seed=0, with_labels=True).next(6, torch.device("cpu"))
    assert batch.labels is not None
    np.testing.assert_array_equal(batch.labels, np.arange(6) % 3)  # sorted within an epoch
    expected = torch.from_numpy(np.array(data.images)).permute(0, 3, 1, 2) / 127.5 - 1
    torch.testing.assert_close(batch.images, expected)


@pytest.mark.parametrize(
    ("method", "changes", "line"),
    [
        ("wgan_pg", {}, "x.method: no 'wgan_pg'; did you mean 'wgan_gp'?"),
        ("wgan_gp", {"penalties": 1.0}, "x.penalties: unknown key; did you mean 'penalty'?"),
        ("wgan_gp", {"critic_steps": 0}, "x.critic_steps: expected greater than or equal to 1"),
        ("gmmn", {"critic": "dcgan"}, "x.critic: expected 'none', found 'dcgan'"),
        ("gmmn", {"conditional": True}, "x: gmmn: expected `conditional: false`"),
        (
            "sn_gan",
            {"extractor": "v"},
            "x: sn_gan with `critic: sngan`: expected `extractor: none`",
        ),
        ("sn_gan", {"seed": 1}, "x.seed: expected the list `seeds` in its place, found 1"),
        ("sn_gan", {"snapshots": 9}, "x.snapshots: expected at most 4, one a step, found 9"),
    ],
)
def test_bad_parameters_are_one_line(method: str, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        baselines.config(method, **changes)
    assert str(error.value).startswith(line)
