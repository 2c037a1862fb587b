"""Generators of chosen classes, and truncated latents."""

from pathlib import Path

import numpy as np
import pytest
import torch

from gfmn import generators
from gfmn.generators.conditional import Conditional
from gfmn.generators.noise import Purpose, noise, truncated
from gfmn.generators.sampling import SampleConfig, latents

FREQUENCIES = (0.5, 0.2, 0.3)


def generator() -> Conditional:
    torch.manual_seed(0)
    made = generators.build("dcgan", 32, 9, FREQUENCIES)
    assert isinstance(made, Conditional)
    return made.eval()


def test_classes_are_as_frequent_as_among_the_real_images() -> None:
    classes = generator().one_hot(noise(0, Purpose.SAMPLING, 0, 20000, 9))
    assert torch.equal(classes.sum(1), torch.ones(20000))
    np.testing.assert_allclose(classes.mean(0), FREQUENCIES, atol=0.01)


@pytest.mark.parametrize("label", range(3))
def test_number_of_a_class_says_that_class(label: int) -> None:
    z = torch.zeros(1, 9)
    z[:, -1] = Conditional.number_of(label, FREQUENCIES)
    assert int(generator().one_hot(z).argmax()) == label


def test_images_depend_on_the_class_and_not_on_the_number_within_it() -> None:
    made, z = generator(), noise(0, Purpose.SAMPLING, 0, 1, 9).repeat(4, 1)
    z[:, -1] = torch.tensor([-2.0, -1.0, 0.3, 2.0])  # classes 0, 0, 1, 2
    with torch.no_grad():
        images = made(z)
    assert torch.equal(images[0], images[1])
    assert (images[0] != images[2]).any() and (images[2] != images[3]).any()


def test_weights_are_the_inner_generators_alone(tmp_path: Path) -> None:
    made = generator()
    assert {key.partition(".")[0] for key in made.state_dict()} == {"generator"}
    generators.save(made, tmp_path / "generator.safetensors")
    facts = {"generator": "dcgan", "image_size": 32, "latent": 9, "class_frequencies": FREQUENCIES}
    (tmp_path / "config.json").write_text(
        str(facts).replace("'", '"').replace("(", "[").replace(")", "]")
    )
    again, _ = generators.load(tmp_path)
    z = noise(0, Purpose.SAMPLING, 0, 6, 9)
    with torch.no_grad():
        assert torch.equal(again(z), made(z))


def test_truncated_is_normal_within_the_bound_and_keeps_the_order() -> None:
    z = torch.randn(50000, generator=torch.Generator().manual_seed(0))
    found = truncated(z, 1.5)
    assert float(found.abs().max()) <= 1.5
    assert torch.equal(found.argsort(), z.argsort()) or (found[z.argsort()].diff() >= 0).all()
    quarter = torch.distributions.Normal(0.0, 1.0)
    inside = float(quarter.cdf(torch.tensor(0.5)) - quarter.cdf(torch.tensor(-0.5)))
    whole = float(quarter.cdf(torch.tensor(1.5)) - quarter.cdf(torch.tensor(-1.5)))
    assert float((found.abs() < 0.5).float().mean()) == pytest.approx(inside / whole, abs=0.01)


def test_truncation_leaves_the_classes_as_they_are() -> None:
    made = generator()
    plain, short = (
        latents(made, 9, SampleConfig(count=500, truncation=bound)) for bound in (0.0, 0.7)
    )
    assert float(short[:, :-1].abs().max()) <= 0.7 < float(plain[:, :-1].abs().max())
    assert torch.equal(plain[:, -1], short[:, -1])
    inner = generators.build("dcgan", 32, 9)
    assert float(latents(inner, 9, SampleConfig(count=500, truncation=0.7)).abs().max()) <= 0.7
