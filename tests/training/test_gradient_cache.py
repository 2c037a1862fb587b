"""Gradient caching gives a batch's gradient from parts of it, and holds one part's taps at once."""

import pytest
import torch
from builders.input_errors import line
from builders.training import Taps32, config, orange_discs, real

from gfmn.features.statistics import Statistics
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

BATCH = 8


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    return real(Taps32(), orange_discs())


class Seen(Taps32):
    """The network, with the most images that it was given at once."""

    most = 0

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        self.most = max(self.most, len(images))
        return super().forward(images)


def two_updates(statistics: Statistics, **fields: object) -> tuple[list[torch.Tensor], Trainer]:
    """The weights after two updates of plain descent, which move by the gradient."""
    settings = config(batch=BATCH, grad_clip_norm=1.0, **fields)
    trainer = Trainer(settings, Inputs(Seen(), statistics))
    trainer.optimizer = torch.optim.SGD(trainer.weights, lr=1.0)
    for step in range(2):
        trainer.step(step)
    return [weight.detach().clone() for weight in trainer.weights], trainer


@pytest.mark.parametrize(
    "fields",
    [
        {"objective": "ama"},
        {"objective": "moment_matching", "added": {"gaussian_kl": 2.0, "mixture": 1.0}},
    ],
    ids=lambda fields: fields["objective"],
)
def test_parts_have_the_gradient_and_the_state_of_the_whole(
    fields: dict[str, object], statistics: Statistics
) -> None:
    whole, expected = two_updates(statistics, **fields)
    found, trainer = two_updates(statistics, **fields, microbatch=3)
    for weight, other in zip(found, whole, strict=True):
        assert torch.allclose(weight, other, rtol=1e-4, atol=1e-5)
    assert trainer.measure() == pytest.approx(expected.measure(), rel=1e-4)
    assert trainer.extractor.most == 3


def test_batch_norm_of_the_batch_is_refused() -> None:
    row = {"dataset": "d", "extractor": "e", "steps": 5, "batchnorm": "batch", "microbatch": 4}
    assert "expected `batchnorm: eval` with a microbatch" in line(TrainingConfig.parse, row, "x")


def test_no_microbatch_is_no_parameter_of_a_result() -> None:
    assert "microbatch" not in config().effective()
    assert config(microbatch=4).effective()["microbatch"] == 4
