"""Parameters of sources, and what the metadata says."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builders.image_sources import prepare

from gfmn import sources
from gfmn.common.errors import InputError

PAGE = Path(__file__).parents[2] / "docs/datasets.md"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"cuont": 3}, "datasets.x.cuont: unknown key; did you mean 'count'?"),
        ({"count": "many"}, "datasets.x.count: expected a valid integer, found 'many'"),
        ({"count": 0}, "datasets.x.count: expected greater than or equal to 1, found 0"),
        ({"source": "photo"}, "datasets.x.source: no 'photo'; did you mean 'photos'?"),
    ],
)
def test_wrong_parameter_is_one_line(change: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        sources.parse({"source": "photos", **change}, "datasets.x")
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"flip": True}, "datasets.x.flip: unknown key; did you mean 'flips'?"),
        ({"broken": "ignore"}, "datasets.x.broken: expected 'fail' or 'skip', found 'ignore'"),
        ({"limit": 0}, "datasets.x.limit: expected greater than or equal to 1, found 0"),
        (
            {"crop": 32},
            "datasets.x.crop: expected more than image_size (32), or null, found 32",
        ),
        ({"path": None}, "datasets.x.path: expected a valid string, found None"),
    ],
)
def test_wrong_parameter_of_image_source_is_one_line(change: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        sources.parse({"source": "folder", "path": "images", **change}, "datasets.x")
    assert str(error.value) == line


def test_documented_sources_are_the_registered_ones() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*)", PAGE.read_text(), re.MULTILINE)
    documented = {name for name, text in rows if text.count(" | ") == 2}
    assert documented - {"source"} == set(sources.SOURCES)


def test_import_loads_no_heavy_package() -> None:
    code = "import gfmn.sources, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "torchvision", "lmdb", "pyarrow", "sklearn"}
    assert not heavy & set(done.stdout.split())


def test_metadata_has_no_number_of_workers(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 8, 3), np.uint8))
    data = prepare(tmp_path, source="npy", path=str(tmp_path / "a.npy"), image_size=8, workers=1)
    assert "workers" not in data.metadata and data.metadata["flips"] is False
    assert data.metadata["mean"] == data.metadata["std"] == [0.0, 0.0, 0.0]
