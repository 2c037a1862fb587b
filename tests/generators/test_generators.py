"""Generators layer by layer, and the file of a trained one."""

import pytest
import torch
from builders.generator_files import saved

from gfmn import generators
from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_bytes
from gfmn.generators.sampling import SampleConfig, sample

PUBLISHED = {  # parameters of the published code's generators
    ("dcgan", 32): 1_142_912,
    ("dcgan", 64): 3_650_688,
    ("dcgan", 128): 7_846_016,
    ("resnet", 32): 3_319_555,
    ("resnet", 64): 11_745_539,
    ("resnet", 128): 43_801_859,
}


@pytest.mark.parametrize("name", generators.GENERATORS)
def test_at_48_pixels_the_first_kernel_is_6_and_all_else_as_at_32(name: str) -> None:
    with torch.device("meta"):
        small, network = (generators.GENERATORS[name](image_size=s, latent=100) for s in (32, 48))
        assert network(torch.empty(2, 100)).shape == (2, 3, 48, 48)
    shapes = [[tuple(p.shape) for p in n.parameters()] for n in (small, network)]
    assert shapes[0][0][2:] == (4, 4) and shapes[1][0][2:] == (6, 6)
    assert shapes[0][0][:2] == shapes[1][0][:2] and shapes[0][1:] == shapes[1][1:]


@pytest.mark.parametrize(("name", "size"), PUBLISHED)
def test_generator_has_the_published_codes_parameters_and_makes_signed_images(
    name: str, size: int
) -> None:
    with torch.device("meta"):
        network = generators.GENERATORS[name](image_size=size, latent=100)
        images = network(torch.empty(2, 100))
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED[name, size]
    assert images.shape == (2, 3, size, size)


def test_dcgans_two_extra_layers_stand_before_the_last_doubling() -> None:
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
def test_images_lie_between_minus_one_and_one(name: str) -> None:
    images = generators.build(name, 32, 16)(10 * torch.randn(8, 16))
    assert images.dtype == torch.float32 and images.abs().max() <= 1


def test_a_saved_generator_makes_the_same_images(tmp_path) -> None:
    generator = saved(tmp_path / "run").eval()
    loaded, config = generators.load(tmp_path / "run")
    z = torch.randn(4, config["latent"])
    assert torch.equal(loaded(z), generator(z))


@pytest.mark.parametrize("damage", ["truncate", "remove", "other"])
def test_a_damaged_generator_file_is_refused_in_one_line(tmp_path, damage: str) -> None:
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


def test_sampling_leaves_the_generator_as_it_was_in_either_mode(tmp_path) -> None:
    generator = saved(tmp_path)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    results = {
        mode: sample(generator, 16, SampleConfig(count=300, seed=1, batchnorm=mode))
        for mode in ("running", "batch")
    }
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())
    assert generator.training
    assert (results["running"] != results["batch"]).any()


def test_the_first_samples_do_not_depend_on_how_many_follow(tmp_path) -> None:
    generator = saved(tmp_path)
    few = sample(generator, 16, SampleConfig(count=10, seed=1, batchnorm="running"))
    many = sample(generator, 16, SampleConfig(count=600, seed=1, batchnorm="running"))
    assert abs(few.astype(int) - many[:10].astype(int)).max() <= 1  # other batch, other rounding


def test_signed_to_bytes_rounds_and_clamps() -> None:
    values = torch.tensor([-1.5, -1.0, -0.996, 0.0, 0.997, 1.0, 7.0])
    images = values.view(1, 1, 1, 7).expand(1, 3, 1, 7)
    assert signed_to_bytes(images)[0, 0, :, 0].tolist() == [0, 0, 1, 128, 255, 255, 255]
