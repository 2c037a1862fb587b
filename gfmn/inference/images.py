"""Images as files: a folder of PNGs, one array, a grid, an animation.

Every function refuses what is there already unless `overwrite` is set, and writes a file whole or
not at all.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from gfmn.common.errors import InputError
from gfmn.common.images import grid, write_images

LARGE = 384  # pixels, up to which an animation is enlarged by itself
PALETTE_PIXELS = 1 << 17  # of all frames, from which a shared palette is chosen
ROUNDS = 4  # of k-means, from the median cut's colours


def write_pictures(
    folder: Path, parts: Iterable[np.ndarray], scale: int = 1, overwrite: bool = False
) -> int:
    """N x S x S x 3 uint8 images, part by part, as `<index>.png`; returns how many there were.

    Overwriting removes pictures of such names first and leaves every other file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, found a file")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(f"{folder}: expected an empty folder, found files in it; not overwritten")
    count = 0
    with _failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("[0-9]*.png"):
            if path.stem.isdecimal():
                path.unlink()
        for part in parts:
            for image in part:
                _enlarged(image, scale).save(folder / f"{count:06d}.png")
                count += 1
    return count


def write_array(
    path: Path, parts: Iterable[np.ndarray], count: int, size: int, overwrite: bool = False
) -> None:
    """`count` images of `size` pixels as one count x S x S x 3 uint8 `.npy` file, part by part."""
    with writing(path, overwrite) as partial:
        write_images(partial, parts, count, size)


def write_grid(
    path: Path, images: np.ndarray, columns: int, scale: int = 1, overwrite: bool = False
) -> None:
    """N x S x S x 3 uint8 images as one PNG, row by row, each pixel `scale` pixels wide."""
    with writing(path, overwrite) as partial:
        _enlarged(grid(images, columns), scale).save(partial, "PNG")


def write_gif(
    path: Path,
    frames: np.ndarray,
    milliseconds: int = 40,
    scale: int | None = None,
    overwrite: bool = False,
) -> None:
    """Frames, F x H x W x 3 uint8, as a GIF that begins again at its end.

    `milliseconds`: that a frame is shown, which a GIF holds in tens; many programs slow down what
    is below 20. Without `scale` it is enlarged to at most 384 pixels. All frames share one
    palette of 256 colours, without dithering: colours of their own would flicker.
    """
    if milliseconds < 20 or milliseconds % 10:
        found = f"found {milliseconds}"
        raise InputError(f"milliseconds: expected a multiple of 10 that is 20 or more, {found}")
    height, width = frames.shape[1:3]
    scale = max(1, LARGE // max(height, width)) if scale is None else _checked(scale)
    with writing(path, overwrite) as partial:
        palette = _palette(frames)
        pictures = []
        for frame in frames:
            small = Image.fromarray(frame).quantize(
                palette=palette, dither=Image.Dither.NONE
            )  # before it is enlarged: fewer pixels to look up
            pictures.append(small.resize((width * scale, height * scale), Image.Resampling.NEAREST))
        first, *others = pictures
        first.save(
            partial, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0
        )


def _palette(frames: np.ndarray) -> Image.Image:
    """256 colours for all frames, from pixels that are spread evenly over them."""
    pixels = frames.reshape(-1, 3)
    chosen = pixels[:: max(1, len(pixels) // PALETTE_PIXELS) | 1]  # odd: not one column of each row
    picture = Image.fromarray(chosen[None].copy())
    return picture.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=ROUNDS)


def _enlarged(picture: np.ndarray, scale: int) -> Image.Image:
    scale = _checked(scale)
    return Image.fromarray(picture.repeat(scale, 0).repeat(scale, 1))


def _checked(scale: int) -> int:
    if type(scale) is not int or scale < 1:
        raise InputError(f"scale: expected a whole number of at least 1, found {scale}")
    return scale


@contextmanager
def writing(path: Path, overwrite: bool) -> Iterator[Path]:
    """Where to write what shall be at `path` once it is whole; its folder is made.

    Raises `InputError` where a file is there that is not to be overwritten, or none can be.
    """
    refuse(path, overwrite)
    with _failures(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            partial = Path(folder) / path.name
            yield partial
            partial.replace(path)


def refuse(path: Path, overwrite: bool) -> None:
    """Raise `InputError` where a file cannot go; before a long computation rather than after."""
    if path.is_dir():
        raise InputError(f"{path}: expected a file's name, found a folder")
    if path.exists() and not overwrite:
        raise InputError(f"{path}: expected no file, found one; not overwritten")


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: expected to write here, found: {reason}") from None
