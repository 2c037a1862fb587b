"""What several tests share: a small network with taps, images, and a study of some."""

import gc
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.commands import gfmn
from builders.photos import write_photos
from builders.tiny_network import TinyNetwork

from gfmn.features.target import Target

# Compiling takes longer than most tests. Compiled kernels have tests in processes of their own:
# builders/compilation.py.
os.environ["GFMN_COMPILE"] = "0"

# More threads than cores wait for each other in turns.
torch.set_num_threads(max(1, 2 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


def pytest_collection_finish() -> None:
    """What is imported stays, so that no search for garbage goes through half a million objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def network() -> TinyNetwork:
    return TinyNetwork()


@pytest.fixture
def target(network: TinyNetwork) -> Target:
    """Plausible real moments, not those of any image."""
    generator = torch.Generator().manual_seed(3)
    mean = torch.rand(network.layout.features, generator=generator)
    return Target(network.layout, mean, torch.rand(len(mean), generator=generator) + 0.1)


@pytest.fixture
def pictures() -> np.ndarray:
    """50 images of 8 px, uint8, all different."""
    return np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of 200 images of two classes, 32 px."""
    return write_photos(tmp_path / "photos", 100, 32)


@pytest.fixture
def study(photos: Path) -> Path:
    """A study of them, made by `gfmn new`."""
    folder = photos.parent / "mine"
    gfmn("new", folder, "--images", photos)
    return folder


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB, where this machine lets a test mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
