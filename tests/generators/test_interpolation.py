"""Interpolation between latents: the geometry of the paths, and the images along them."""

import math
from pathlib import Path

import pytest
import torch
from builders.generator_files import saved

from gfmn.generators.interpolation import images_at, loop_latents, row_latents, slerp
from gfmn.generators.noise import Purpose, noise


def angles(path: torch.Tensor) -> torch.Tensor:
    """Between each point of a path and the next, in radians."""
    units = torch.nn.functional.normalize(path.double(), dim=-1)
    return (units[:-1] * units[1:]).sum(-1).clamp(-1, 1).acos()


def test_slerp_rotates_in_the_plane_of_its_ends_with_linear_length() -> None:
    a, b = torch.randn(2, 40, generator=torch.Generator().manual_seed(1)).double()
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    found = slerp(a[None], b[None], t)[0]
    first = a / a.norm()
    second = b - (b @ first) * first
    second /= second.norm()
    whole = math.acos(float(a @ b / a.norm() / b.norm()))
    for s, point in zip(t.tolist(), found, strict=True):
        direction = math.cos(s * whole) * first + math.sin(s * whole) * second
        length = (1 - s) * a.norm() + s * b.norm()
        assert torch.allclose(point, length * direction, rtol=1e-12)


def test_row_latents_join_samples_in_equal_angles() -> None:
    path = row_latents(seed=4, rows=5, columns=10, latent=100)
    ends = noise(4, Purpose.SAMPLING, 0, 10, 100)
    assert torch.equal(path[:, 0], ends[::2]) and torch.equal(path[:, -1], ends[1::2])
    for row in path:
        steps = angles(row)
        assert torch.allclose(steps, steps.mean().expand(9), rtol=1e-4)


def test_slerp_points_are_as_long_as_normal_noise() -> None:
    ends = noise(0, Purpose.SAMPLING, 0, 400, 100)
    middle = torch.tensor([0.5])
    arc = slerp(ends[::2], ends[1::2], middle)[:, 0].norm(dim=-1)
    line = (0.5 * (ends[::2] + ends[1::2])).norm(dim=-1)
    assert abs(arc.mean() - ends.norm(dim=-1).mean()) < 0.05
    assert line.mean() < 0.75 * arc.mean()  # sqrt(1/2) of it


@pytest.mark.parametrize("end", [[2.0], [-1.0]])
def test_slerp_of_parallel_or_opposite_ends_is_linear(end: list[float]) -> None:
    start = torch.tensor([[1.0]])
    found = slerp(start, torch.tensor([end]), torch.tensor([0.0, 0.25, 1.0]))
    assert torch.allclose(found[0, :, 0], torch.tensor([1.0, 0.75 + 0.25 * end[0], end[0]]))


def test_row_does_not_depend_on_the_number_of_rows() -> None:
    assert torch.equal(row_latents(3, 8, 10, 16)[:2], row_latents(3, 2, 10, 16))
    assert not torch.equal(row_latents(3, 2, 10, 16), row_latents(4, 2, 10, 16))


def test_loop_latents_close_and_slow_down_at_the_samples() -> None:
    points, frames = 3, 20
    path = loop_latents(seed=2, points=points, frames=frames, latent=100, start=6)
    assert path.shape == (60, 100)
    assert torch.equal(path[::frames], noise(2, Purpose.SAMPLING, 0, 9, 100)[6:])
    steps = angles(torch.cat([path, path[:1]]))  # the last leads to the first
    legs = steps.view(points, frames)
    assert steps.max() < 1.6 * steps.mean()  # 1.5 at a leg's middle
    assert (legs[:, [0, -1]] < 0.2 * legs.mean(1, keepdim=True)).all()
    assert torch.allclose(legs, legs.flip(1), atol=1e-3)


def test_images_at_uses_running_statistics_and_changes_nothing(tmp_path: Path) -> None:
    generator = saved(tmp_path).train()
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    z = torch.randn(300, 16, generator=torch.Generator().manual_seed(0))
    images = images_at(generator, z)
    assert generator.training and images.shape == (300, 32, 32, 3)
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())
    with torch.inference_mode():
        expected = ((generator.eval()(z) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert abs(images - expected).max() < 0.51
