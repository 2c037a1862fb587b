"""Ways between latents: their geometry, their images, and the files of them."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import sample
import torch
from builders.generator_files import saved
from PIL import Image

from gfmn import cli, generators
from gfmn.common.images import grid
from gfmn.generators.interpolation import images_at, loop_latents, row_latents, slerp
from gfmn.generators.noise import Purpose, noise
from gfmn.inference import load
from gfmn.inference.images import write_gif


def angles(path: torch.Tensor) -> torch.Tensor:
    """Between each point of a way and the next, in radians."""
    units = torch.nn.functional.normalize(path.double(), dim=-1)
    return (units[:-1] * units[1:]).sum(-1).clamp(-1, 1).acos()


def test_an_arc_is_a_rotation_in_the_plane_of_its_ends_whose_length_goes_linearly() -> None:
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


def test_a_way_begins_and_ends_in_its_ends_and_turns_in_equal_steps() -> None:
    path = row_latents(seed=4, rows=5, columns=10, latent=100)
    ends = noise(4, Purpose.SAMPLING, 0, 10, 100)
    assert torch.equal(path[:, 0], ends[::2]) and torch.equal(path[:, -1], ends[1::2])
    for row in path:
        steps = angles(row)
        assert torch.allclose(steps, steps.mean().expand(9), rtol=1e-4)


def test_points_of_an_arc_are_as_long_as_normal_noise_where_a_straight_line_is_not() -> None:
    ends = noise(0, Purpose.SAMPLING, 0, 400, 100)
    middle = torch.tensor([0.5])
    arc = slerp(ends[::2], ends[1::2], middle)[:, 0].norm(dim=-1)
    line = (0.5 * (ends[::2] + ends[1::2])).norm(dim=-1)
    assert abs(arc.mean() - ends.norm(dim=-1).mean()) < 0.05
    assert line.mean() < 0.75 * arc.mean()  # sqrt(1/2) of it


@pytest.mark.parametrize("end", [[2.0], [-1.0]])
def test_between_parallel_or_opposite_ends_the_line_is_straight(end: list[float]) -> None:
    start = torch.tensor([[1.0]])
    found = slerp(start, torch.tensor([end]), torch.tensor([0.0, 0.25, 1.0]))
    assert torch.allclose(found[0, :, 0], torch.tensor([1.0, 0.75 + 0.25 * end[0], end[0]]))


def test_a_row_does_not_depend_on_how_many_follow() -> None:
    assert torch.equal(row_latents(3, 8, 10, 16)[:2], row_latents(3, 2, 10, 16))
    assert not torch.equal(row_latents(3, 2, 10, 16), row_latents(4, 2, 10, 16))


def test_a_loop_goes_through_its_samples_closes_and_slows_down_where_it_turns() -> None:
    points, frames = 3, 20
    path = loop_latents(seed=2, points=points, frames=frames, latent=100, start=6)
    assert path.shape == (60, 100)
    assert torch.equal(path[::frames], noise(2, Purpose.SAMPLING, 0, 9, 100)[6:])
    steps = angles(torch.cat([path, path[:1]]))  # the last leads to the first
    legs = steps.view(points, frames)
    assert steps.max() < 1.6 * steps.mean()  # 1.5 at a leg's middle
    assert (legs[:, [0, -1]] < 0.2 * legs.mean(1, keepdim=True)).all()
    assert torch.allclose(legs, legs.flip(1), atol=1e-3)


def test_images_take_running_statistics_and_leave_the_generator_as_it_was(tmp_path: Path) -> None:
    generator = saved(tmp_path).train()
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    z = torch.randn(300, 16, generator=torch.Generator().manual_seed(0))
    images = images_at(generator, z)
    assert generator.training and images.shape == (300, 32, 32, 3)
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())
    with torch.inference_mode():
        expected = ((generator.eval()(z) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert abs(images - expected).max() < 0.51


def test_the_stage_sample_writes_eight_ways_in_ten_steps_beside_the_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sampling = {"count": 200, "seed": 9, "batchnorm": "running"}
    Path("params.yaml").write_text(json.dumps({"sampling": sampling}))
    Path("data/models/x").mkdir(parents=True)
    saved(Path("data/models/x/seed-3"))
    sample.main("x")
    folder = Path("data/samples/x")
    names = {"seed-3.npy", "seed-3.png", "seed-3-interpolation.png"}
    assert {path.name for path in folder.iterdir()} == names
    picture = np.asarray(Image.open(folder / "seed-3-interpolation.png"))
    assert picture.shape == (8 * 32, 10 * 32, 3)
    tiles = picture.reshape(8, 32, 10, 32, 3).swapaxes(1, 2).astype(int)
    samples = np.load(folder / "seed-3.npy").astype(int)
    assert abs(tiles[:, 0] - samples[0:16:2]).max() <= 1  # another batch, another rounding
    assert abs(tiles[:, -1] - samples[1:16:2]).max() <= 1
    generator, _ = generators.load(Path("data/models/x/seed-3"))
    middle = images_at(generator, row_latents(9, 8, 10, 16)[:, 4]).astype(int)
    assert abs(tiles[:, 4] - middle).max() <= 1
    first = (folder / "seed-3-interpolation.png").read_bytes()
    sample.main("x")
    assert (folder / "seed-3-interpolation.png").read_bytes() == first


def test_a_grid_of_ways_is_what_python_gives(tmp_path: Path) -> None:
    saved(tmp_path / "seed-0")
    out = tmp_path / "a.png"
    cli.main(["interpolate", str(tmp_path), "--out", str(out), "--rows", "3", "--seed", "5"])
    images = load(tmp_path).interpolate(rows=3, seed=5)
    assert images.shape == (3, 10, 32, 32, 3)
    assert (np.asarray(Image.open(out)) == grid(images.reshape(30, 32, 32, 3), 10)).all()


def test_a_gif_loops_for_ever_with_its_frames_duration_and_size(tmp_path: Path) -> None:
    saved(tmp_path / "seed-0")
    out = tmp_path / "a.gif"
    words = ["--points", "2", "--frames", "3", "--milliseconds", "50", "--rows", "1"]
    cli.main(["interpolate", str(tmp_path), "--out", str(out), *words, "--columns", "2"])
    with Image.open(out) as picture:
        assert (picture.n_frames, picture.info["duration"], picture.info["loop"]) == (6, 50, 0)
        assert picture.size == (2 * 32 * 6, 32 * 6)  # at most 384 px
    frames = load(tmp_path).loop(points=2, frames=3, rows=1, columns=2)
    assert frames.shape == (6, 32, 64, 3)
    # The second tile goes through the next two samples.
    expected = load(tmp_path).sample(4)[2:].astype(int)
    assert abs(frames[::3, :, 32:] - expected).max() <= 1


def test_a_gifs_colours_are_near_the_images_and_stand_still_where_they_do(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 32)
    still = np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1, None]), -1)
    frames = np.stack([still] * 8).astype(np.uint8)
    for i, frame in enumerate(frames):
        frame[4:12, 3 * i : 3 * i + 4] = 255  # something moves
    write_gif(tmp_path / "a.gif", frames, scale=1)
    with Image.open(tmp_path / "a.gif") as picture:
        found = []
        for i in range(8):
            picture.seek(i)
            found.append(np.asarray(picture.convert("RGB")).astype(int))
    assert abs(np.stack(found) - frames).mean() < 8
    below = np.stack(found)[:, 12:]
    assert (below == below[0]).all()
