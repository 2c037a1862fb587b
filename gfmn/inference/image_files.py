"""Images as files: a folder of PNGs, one array, a grid, an animation.

Every function refuses to overwrite unless `overwrite` is set, and writes a file atomically.
"""

import json
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gfmn.common.errors import InputError
from gfmn.common.images import grid, write_images
from gfmn.inference.output import STDOUT

GIF_SIDE = 384  # pixels, up to which a GIF is enlarged by default
PALETTE_PIXELS = 1 << 17  # of all frames, from which the shared palette is computed
PIXELS = 1 << 28  # of a file
KMEANS_ROUNDS = 4  # that refine the palette of the median cut
METADATA = "metadata.jsonl"  # of a folder of images: a JSON object a line, with `file_name`


def write_pngs(
    folder: Path,
    batches: Iterable[np.ndarray],
    scale: int = 1,
    overwrite: bool = False,
    facts: Iterable[Mapping[str, Any]] | None = None,
) -> int:
    """Write batches of N x S x S x 3 uint8 images as `<index>.png`; returns how many there were.

    `facts` of each image, JSON values, go to `metadata.jsonl`, as the hub's imagefolder has them.
    Overwriting first removes the files that have such names, and leaves every other file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, found a file")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder}: expected an empty folder, found files in it; not overwritten")
    count = 0
    with _input_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / METADATA).unlink(missing_ok=True)
        for path in folder.glob("[0-9]*.png"):
            if path.stem.isdecimal():
                path.unlink()
        for batch in batches:
            for image in batch:
                _enlarge(image, scale).save(folder / f"{count:06d}.png")
                count += 1
        if facts is not None:
            rows = ({"file_name": f"{i:06d}.png", **row} for i, row in enumerate(facts))
            (folder / METADATA).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return count


def write_array(
    path: Path, batches: Iterable[np.ndarray], count: int, size: int, overwrite: bool = False
) -> None:
    """Write `count` images of `size` pixels as one count x S x S x 3 uint8 `.npy` file."""
    with write_atomically(path, overwrite) as partial:
        write_images(partial, batches, count, size)


def write_grid(
    path: Path, images: np.ndarray, columns: int, scale: int = 1, overwrite: bool = False
) -> None:
    """Write N x S x S x 3 uint8 images as one PNG, row by row, each pixel `scale` pixels wide."""
    with write_atomically(path, overwrite) as partial:
        _enlarge(grid(images, columns), scale).save(partial, "PNG")


def write_gif(
    path: Path,
    frames: np.ndarray,
    milliseconds: int = 40,
    scale: int | None = None,
    overwrite: bool = False,
) -> None:
    """Write frames, F x H x W x 3 uint8, as a GIF that loops forever.

    `milliseconds` per frame: a GIF holds tens of them, and many programs slow down frames of less
    than 20. Without `scale` the frames are enlarged to at most 384 pixels. All frames share one
    palette of 256 colors without dithering: palettes of their own would flicker.
    """
    if milliseconds < 20 or milliseconds % 10:
        expected = "expected a multiple of 10 that is 20 or more"
        raise InputError(f"milliseconds: {expected}, found {milliseconds}")
    height, width = frames.shape[1:3]
    scale = (
        max(1, GIF_SIDE // max(height, width))
        if scale is None
        else check_scale(scale, height, width, len(frames))
    )
    with write_atomically(path, overwrite) as partial:
        palette = _shared_palette(frames)
        images = []
        for frame in frames:
            # Quantized before it is enlarged: fewer pixels to look up.
            image = Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
            images.append(image.resize((width * scale, height * scale), Image.Resampling.NEAREST))
        first, *rest = images
        first.save(partial, "GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0)


def _shared_palette(frames: np.ndarray) -> Image.Image:
    """256 colors for all frames, from pixels spread evenly over them."""
    pixels = frames.reshape(-1, 3)
    # An odd step, so that the pixels are not those of the same columns in every row.
    chosen = pixels[:: max(1, len(pixels) // PALETTE_PIXELS) | 1]
    image = Image.fromarray(chosen[None].copy())
    return image.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=KMEANS_ROUNDS)


def _enlarge(image: np.ndarray, scale: int) -> Image.Image:
    scale = check_scale(scale, *image.shape[:2])
    return Image.fromarray(image.repeat(scale, 0).repeat(scale, 1))


def check_scale(scale: int, height: int, width: int, count: int = 1) -> int:
    """The scale; `InputError` where it is below 1 or `count` images have more than `PIXELS`."""
    if type(scale) is not int or scale < 1:
        raise InputError(f"scale: expected a whole number of at least 1, found {scale}")
    pixels = count * height * width
    if pixels > PIXELS:
        raise InputError(f"pixels: expected at most {PIXELS:,} in a file, found {pixels:,}")
    if pixels * scale**2 > PIXELS:
        most = max(1, math.isqrt(PIXELS // pixels))
        raise InputError(f"scale: expected at most {most}, found {scale}")
    return scale


@contextmanager
def write_atomically(path: Path, overwrite: bool) -> Iterator[Path]:
    """Give a temporary path to write to, and move the file to `path` at the end.

    Makes the folder; `-` is standard output. Raises `InputError` as `check_writable` does, and
    where writing fails.
    """
    if path == STDOUT:
        with tempfile.TemporaryDirectory(prefix="gfmn-") as folder:
            partial = Path(folder) / "out"
            yield partial
            sys.stdout.buffer.write(partial.read_bytes())
            sys.stdout.buffer.flush()
        return
    check_writable(path, overwrite)
    with _input_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            partial = Path(folder) / path.name
            yield partial
            partial.replace(path)


def check_writable(path: Path, overwrite: bool) -> None:
    """Raise `InputError` for a folder, and for a file that is not to be overwritten.

    Commands call it before a long computation, to fail fast.
    """
    if path == STDOUT:
        return
    if path.is_dir():
        raise InputError(f"{path}: expected a file's name, found a folder")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: expected no file, found one; not overwritten")


@contextmanager
def _input_errors(path: Path) -> Iterator[None]:
    """Turn an error of the file system into an `InputError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: expected to write here, found: {reason}") from None
