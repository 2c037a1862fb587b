"""Generators layer by layer, and the file of a trained one."""

import json
import re

import pytest
import safetensors.torch
import torch
from builders.generator_files import saved

from gfmn import generators
from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_bytes

PUBLISHED = {  # parameters of the published code's generators
    ("dcgan", 32): 1_142_912,
    ("dcgan", 64): 3_650_688,
    ("dcgan", 128): 7_846_016,
    ("resnet", 32): 3_319_555,
    ("resnet", 64): 11_745_539,
    ("resnet", 128): 43_801_859,
}


@pytest.mark.parametrize("name", generators.GENERATORS)
def test_generator_of_48_px_differs_from_32_px_by_its_first_kernel(name: str) -> None:
    with torch.device("meta"):
        small, network = (generators.GENERATORS[name](image_size=s, latent=100) for s in (32, 48))
        assert network(torch.empty(2, 100)).shape == (2, 3, 48, 48)
    networks = (small, network)
    shapes = [[tuple(p.shape) for p in n.parameters() if p.ndim > 2] for n in networks]
    assert shapes[0][0][2:] == (4, 4) and shapes[1][0][2:] == (6, 6)
    assert shapes[0][0][:2] == shapes[1][0][:2] and shapes[0][1:] == shapes[1][1:]


@pytest.mark.parametrize(("name", "size"), PUBLISHED)
def test_generator_has_as_many_parameters_as_the_published_code(name: str, size: int) -> None:
    with torch.device("meta"):
        network = generators.GENERATORS[name](image_size=size, latent=100)
        images = network(torch.empty(2, 100))
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED[name, size]
    assert images.shape == (2, 3, size, size)


def test_slim_resnet_is_the_residual_generator_with_half_of_its_channels() -> None:
    with torch.device("meta"):
        slim, full = (
            dict(generators.GENERATORS[name](image_size=32, latent=100).named_parameters())
            for name in ("resnet_slim", "resnet")
        )
    assert slim.keys() == full.keys()
    fixed = {3, 100}  # colors of an image, values of z
    for name, parameter in full.items():
        sizes = zip(parameter.shape[:2], slim[name].shape[:2], strict=True)
        assert all(b == (a if a in fixed else a // 2) for a, b in sizes)


def test_dcgan_has_two_extra_layers_before_the_last_doubling() -> None:
    layers = list(generators.build("dcgan", 32, 100).layers)
    convolutions = [layer[0] for layer in layers[:-1]] + [layers[-1]]
    kinds = [
        (type(c).__name__, c.in_channels, c.out_channels, c.kernel_size[0]) for c in convolutions
    ]
    assert kinds == [
        ("ConvTranspose2d", 100, 256, 4),
        ("ConvTranspose2d", 256, 128, 4),
        ("ConvTranspose2d", 128, 64, 4),
        ("Conv2d", 64, 64, 3),
        ("Conv2d", 64, 64, 3),
        ("ConvTranspose2d", 64, 3, 4),
    ]


@pytest.mark.parametrize("name", generators.GENERATORS)
def test_generator_images_lie_between_minus_one_and_one(name: str) -> None:
    images = generators.build(name, 32, 16)(10 * torch.randn(8, 16))
    assert images.dtype == torch.float32 and images.abs().max() <= 1


def test_load_gives_a_generator_of_the_same_images(tmp_path) -> None:
    generator = saved(tmp_path / "run").eval()
    loaded, config = generators.load(tmp_path / "run")
    z = torch.randn(4, config["latent"])
    assert torch.equal(loaded(z), generator(z))


@pytest.mark.parametrize("damage", ["truncate", "remove", "other"])
def test_load_refuses_a_damaged_file_in_one_line(tmp_path, damage: str) -> None:
    saved(tmp_path)
    path = tmp_path / "generator.safetensors"
    if damage == "truncate":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "remove":
        path.unlink()
    else:
        saved(tmp_path / "other", "resnet")
        path.write_bytes((tmp_path / "other/generator.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"generator\.safetensors: expected") as error:
        generators.load(tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("layers.0.0.weight", torch.inf, "expected finite numbers, found NaN or infinity 1 times"),
        ("layers.0.1.running_var", -1.0, "expected 0 or more, found -1"),
        ("layers.0.0.weight", None, "expected floating-point numbers, found int32"),
    ],
)
def test_load_refuses_numbers_that_are_none_by_their_tensor(tmp_path, key, value, line) -> None:
    saved(tmp_path)
    state = safetensors.torch.load_file(tmp_path / "generator.safetensors")
    if value is None:
        state[key] = state[key].int()
    else:
        state[key].view(-1)[0] = value
    safetensors.torch.save_file(state, tmp_path / "generator.safetensors")
    with pytest.raises(InputError, match=re.escape(f"{key!r}: {line}")):
        generators.load(tmp_path)


def test_every_file_of_weights_needs_its_digest_where_config_has_any(tmp_path) -> None:
    saved(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    digests = generators.digests(tmp_path, ["generator.safetensors"])
    (tmp_path / "config.json").write_text(json.dumps({**config, "sha256": digests}))
    generators.load(tmp_path)
    copy = tmp_path / "snapshots/step-000001.safetensors"
    copy.parent.mkdir()
    copy.write_bytes((tmp_path / "generator.safetensors").read_bytes())
    with pytest.raises(InputError, match="expected sha256 None, as config"):
        generators.load(tmp_path, "snapshots/step-000001.safetensors")
    state = bytearray((tmp_path / "generator.safetensors").read_bytes())
    state[-5] ^= 1
    (tmp_path / "generator.safetensors").write_bytes(state)
    with pytest.raises(InputError, match="one of the two files is damaged"):
        generators.load(tmp_path)


def test_signed_to_bytes_rounds_and_clamps() -> None:
    values = torch.tensor([-1.5, -1.0, -0.996, 0.0, 0.997, 1.0, 7.0])
    images = values.view(1, 1, 1, 7).expand(1, 3, 1, 7)
    assert signed_to_bytes(images)[0, 0, :, 0].tolist() == [0, 0, 1, 128, 255, 255, 255]


def test_trained_seeds_are_those_of_the_folder_in_numeric_order(tmp_path) -> None:
    with pytest.raises(InputError, match="expected trained generators in seed-<k>, found none"):
        generators.trained_seeds(tmp_path)
    for seed in (10, 9, 0):
        (tmp_path / f"seed-{seed}").mkdir()
    assert generators.trained_seeds(tmp_path) == [0, 9, 10]
