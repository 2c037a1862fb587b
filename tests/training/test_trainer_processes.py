"""Training and statistics in several processes; run as a script, this is one of them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.ranks import run_ranks
from builders.training import Taps32, config, real

from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.groups import GroupConfigs, new_groups
from gfmn.runtime.distributed import ALONE, World, world
from gfmn.training.objectives import OBJECTIVES
from gfmn.training.trainer import Inputs, Trainer

STEPS = 3
AMA: dict[str, object] = {"objective": "ama", "ama": {"rate": 0.1}}
EXACT_GROUPS: dict[str, object] = {"covariance": {"directions": 4}, "bank": {}}
POOLED: dict[str, object] = {
    "objective": "moment_matching",
    "added": {name: 1.0 for name, kind in OBJECTIVES.items() if kind.needs},
}


def some_images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (61, 32, 32, 3), dtype=np.uint8)


class Smooth(Taps32):
    """With a ReLU, a value that rounds to the other side of its kink moves a whole gradient."""

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        taps, x = [], images
        for layer in self.layers:
            x = torch.nn.functional.silu(layer(x))
            taps.append(x)
        return taps


class Normed(Smooth):
    """With batch norm on each batch's statistics, which is then of all processes' samples."""

    batchnorm = "batch"

    def __init__(self) -> None:
        super().__init__()
        norms = [torch.nn.BatchNorm2d(layer.out_channels) for layer in self.layers]
        for norm in norms:
            norm.running_mean = norm.running_var = norm.num_batches_tracked = None
            norm.track_running_stats = False
        pairs = zip(self.layers, norms, strict=True)
        self.layers = torch.nn.ModuleList([torch.nn.Sequential(*pair) for pair in pairs])
        self.requires_grad_(False)
        self.eval()


def summed_gradients(
    world: World, kind: type[Smooth] = Smooth, method: dict[str, object] = AMA
) -> list[torch.Tensor]:
    """Every weight's gradient in each of a few steps of the objective, over all processes.

    The weights stay as they are: ADAM's first updates are mostly signs, and would make a
    gradient's rounding as large as the update.
    """
    network, found = kind(), []
    settings = config(batch=13, processes=world.size, **method)
    trainer = Trainer(settings, Inputs(network, real(network, some_images())), world)
    for block in trainer.generator.layers:
        if isinstance(block, torch.nn.Sequential):
            block[-1] = torch.nn.SiLU()

    def keep() -> None:
        found.extend(weight.grad.clone() for weight in trainer.weights)

    trainer.optimizer.step = keep
    for step in range(STEPS):
        trainer.step(step)
    return found


def statistics_of(world: World) -> list[torch.Tensor]:
    groups = new_groups(GroupConfigs.parse(EXACT_GROUPS, "groups"), 61)
    with Progress("test", 61, "images", every=1e9, silent=True) as progress:
        mean, variance = statistics.extract(
            some_images(), Taps32(), 8, progress, world, groups=groups
        )
    tensors = {name: group.result(world) for name, group in groups.items()}
    tensors["covariance"] = {  # an eigenvector's sign is free
        name: tensor.abs() for name, tensor in tensors["covariance"].items()
    }
    parts = (mean, variance, *tensors.values())
    return [tensor for part in parts for tensor in part.values()]


def main(folder: Path) -> None:
    with world() as joined:
        parts = {
            "gradients": summed_gradients(joined),
            "batch_mode": summed_gradients(joined, Normed),
            "pooled": summed_gradients(joined, method=POOLED),
            "in parts": summed_gradients(joined, method=POOLED | {"microbatch": 3}),
            "statistics": statistics_of(joined),
        }
        torch.save(parts, folder / f"{joined.rank}.pt")


@pytest.fixture(scope="module", params=[2, 3])
def ranks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, list[torch.Tensor]]]:
    return run_ranks(request.param, __file__, tmp_path_factory.mktemp("ranks"))


def worst(found: list[torch.Tensor], expected: list[torch.Tensor]) -> float:
    pairs = zip(found, expected, strict=True)
    return max(float((a - b).norm() / b.norm()) for a, b in pairs)


def test_processes_have_the_gradient_of_one_that_has_the_whole_batch(
    ranks: list[dict[str, list[torch.Tensor]]],
) -> None:
    error = worst(ranks[0]["gradients"], summed_gradients(ALONE))
    print(f"{len(ranks)} processes: largest relative error of a weight's gradient {error:.2g}")
    assert error < 1e-4


def test_processes_have_the_gradient_of_one_in_batch_mode_too(
    ranks: list[dict[str, list[torch.Tensor]]],
) -> None:
    expected = summed_gradients(ALONE, Normed)
    assert worst(ranks[0]["batch_mode"], expected) < 1e-4
    assert worst(expected, summed_gradients(ALONE)) > 0.1


def test_processes_have_the_gradient_of_one_by_all_pooled_objectives(
    ranks: list[dict[str, list[torch.Tensor]]],
) -> None:
    expected = summed_gradients(ALONE, method=POOLED)
    errors = [worst(ranks[0][key], expected) for key in ("pooled", "in parts")]
    print(f"{len(ranks)} processes: {errors[0]:.2g}, in microbatches {errors[1]:.2g}")
    # The covariance of 13 images is nearly singular: images that differ by 1e-7 move it by 4e-3.
    assert max(errors) < 1e-3


def test_gradients_are_the_same_bits_in_every_process(
    ranks: list[dict[str, list[torch.Tensor]]],
) -> None:
    for other in ranks[1:]:
        pairs = zip(other["gradients"], ranks[0]["gradients"], strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


def test_statistics_of_processes_are_those_of_one(
    ranks: list[dict[str, list[torch.Tensor]]],
) -> None:
    for rank in ranks:
        assert worst(rank["statistics"], statistics_of(ALONE)) < 1e-6
        pairs = zip(rank["statistics"], ranks[0]["statistics"], strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
