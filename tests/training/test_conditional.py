"""Training on how features and classes go together."""

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.training import Taps32, config, real

from gfmn.generators.conditional import Conditional
from gfmn.generators.noise import Purpose, noise
from gfmn.training.trainer import Inputs, Trainer


def colored() -> tuple[np.ndarray, np.ndarray]:
    """96 images of noise about red (class 0, two of three) or blue (class 1)."""
    rng, labels = np.random.default_rng(0), np.arange(96) % 3 // 2
    colors = np.array([[200, 60, 60], [60, 60, 200]])[labels][:, None, None]
    return (colors + rng.integers(-40, 40, (96, 32, 32, 3))).astype(np.uint8), labels


def test_generator_makes_the_class_that_its_latent_says() -> None:
    network, (images, labels) = Taps32(), colored()
    method = {"objective": "moment_matching", "added": {"covariance": 1.0}, "conditional": True}
    settings = config(**method, steps=60, batch=16, lr=1e-3)
    trainer = Trainer(settings, Inputs(network, real(network, images, labels)))
    for step in range(60):
        trainer.step(step)
    assert isinstance(trainer.generator, Conditional)
    z = noise(9, Purpose.SAMPLING, 0, 64, settings.latent)
    with torch.no_grad():
        made = trainer.generator(z)
    red_over_blue = (made[:, 0] - made[:, 2]).mean((1, 2))
    of_class = trainer.generator.one_hot(z).bool()
    assert red_over_blue[of_class[:, 0]].mean() > red_over_blue[of_class[:, 1]].mean() + 0.3


@pytest.mark.parametrize("conditional", [True, False])
def test_statistics_of_the_other_kind_are_a_one_line_error(conditional: bool) -> None:
    network, (images, labels) = Taps32(), colored()
    settings = config(added={"covariance": 1.0}, conditional=conditional)
    statistics = real(network, images, None if conditional else labels)
    message = line(Trainer, settings, Inputs(network, statistics))
    has = "without" if conditional else "with"
    expected = str(not conditional).lower()
    assert message == f"conditional: expected {expected}, found statistics {has} classes"
