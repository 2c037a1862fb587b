"""A full disk is one line, and leaves what was there before."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.input_errors import line
from torch import nn

from gfmn import generators
from gfmn.common import tensorfile
from gfmn.common.files import new_array, replacing
from gfmn.common.images import write_images
from gfmn.metrics import evaluator

FULL = "found: No space left on device"
LIMITED = """
import resource, sys
from pathlib import Path
from gfmn.common.files import new_array
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
new_array(Path("a.npy"), "uint8", (50_000,))[:] = 1
new_array(Path("b.npy"), "uint8", (200_000,))
"""


def test_new_array_is_that_of_numpy(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(30, 7)).astype(np.float32)
    array = new_array(tmp_path / "a.npy", np.float32, values.shape)
    array[:] = values
    array.flush()
    np.save(tmp_path / "b.npy", values)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_array_beyond_a_limit_is_a_one_line_error_and_no_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    words = [sys.executable, "-c", LIMITED]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.splitlines()[-1]
    assert "b.npy: expected room for 200,000 bytes, found: File too large" in last
    assert [path.name for path in tmp_path.iterdir()] == ["a.npy"]


def test_arrays_on_a_full_disk_are_one_line_errors_and_no_file(tmpfs: Path) -> None:
    part = np.zeros((100, 32, 32, 3), np.uint8)
    samples, features = tmpfs / "samples.npy", torch.zeros(1, 2048)
    assert FULL in line(write_images, samples, iter([part] * 10), 1000, 32)
    assert FULL in line(evaluator._rows, 1000, features, tmpfs, "features")
    assert not [*tmpfs.iterdir()]


def test_files_on_a_full_disk_keep_their_earlier_content(tmpfs: Path) -> None:
    for name in ("a.safetensors", "generator.safetensors"):
        (tmpfs / name).write_text("earlier")
    with pytest.raises(OSError, match="No space left"):
        tensorfile.write(tmpfs / "a.safetensors", {"a": torch.zeros(10**6)}, {"format": "x"})
    with pytest.raises(OSError, match="No space left"):
        generators.save(nn.Linear(1000, 1000), tmpfs / "generator.safetensors")
    assert {path.read_text() for path in tmpfs.iterdir()} == {"earlier"}
    assert len([*tmpfs.iterdir()]) == 2


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_generators_and_tensors_have_the_mode_that_the_umask_gives(
    mask: int, mode: int, tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        generators.save(nn.Linear(1, 1), tmp_path / "generator.safetensors")
        tensorfile.write(tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {"format": "x"})
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {mode}


def test_replacing_that_fails_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("earlier")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as partial:
        partial.write_text("half")
        raise KeyboardInterrupt
    assert [path.read_text() for path in tmp_path.iterdir()] == ["earlier"]
