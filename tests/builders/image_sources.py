"""Images and labels in every kind of source."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.datasets import prepared

IMAGES = np.random.default_rng(2).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
LABELS = (np.arange(30) * 7 % 5).tolist()


def prepare(folder: Path, **parameters: Any) -> prepared.PreparedDataset:
    made = parameters["source"] in ("photos", "digits")
    workers = {} if made else {"workers": 0}
    config = sources.parse({"image_size": 8, **workers, **parameters}, "datasets.x")
    sources.prepare(config, "x", folder / "prepared")
    return prepared.read(folder / "prepared")


def refusal(folder: Path, **parameters: Any) -> str:
    with pytest.raises(InputError) as error:
        prepare(folder, **parameters)
    line = str(error.value)
    assert "\n" not in line and line.startswith("datasets.x")
    return line


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
