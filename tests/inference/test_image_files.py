"""Images as files: colors of a GIF, and writing that leaves nothing half done."""

from pathlib import Path

import numpy as np
import pytest
from builders.extractor_files import line
from PIL import Image

from gfmn.inference.image_files import check_writable, write_atomically, write_gif, write_pngs


def test_gif_colors_are_close_and_do_not_flicker(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 32)
    still = np.stack(np.broadcast_arrays(ramp[:, None], ramp, ramp[::-1, None]), -1)
    frames = np.stack([still] * 8).astype(np.uint8)
    for i, frame in enumerate(frames):
        frame[4:12, 3 * i : 3 * i + 4] = 255  # something moves
    write_gif(tmp_path / "a.gif", frames, scale=1)
    with Image.open(tmp_path / "a.gif") as image:
        found = []
        for i in range(8):
            image.seek(i)
            found.append(np.asarray(image.convert("RGB")).astype(int))
    assert abs(np.stack(found) - frames).mean() < 8
    below = np.stack(found)[:, 12:]
    assert (below == below[0]).all()


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), write_atomically(path, overwrite=True) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_folder_and_existing_file_are_not_writable(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    check_writable(path, overwrite=False)
    path.touch()
    assert "expected no file, found one; not overwritten" in line(check_writable, path, False)
    check_writable(path, overwrite=True)
    assert "expected a file's name, found a folder" in line(check_writable, tmp_path, True)
    images = np.zeros((1, 4, 4, 3), np.uint8)
    assert "a.txt: expected a folder, found a file" in line(write_pngs, path, [images])
