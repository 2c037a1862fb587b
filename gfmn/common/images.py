"""Images: the three value ranges, conversions between them, and files of images.

| range  | values   | dtype   | layout        | where                              |
|--------|----------|---------|---------------|------------------------------------|
| bytes  | 0 to 255 | uint8   | N x H x W x 3 | files                              |
| unit   | 0 to 1   | float32 | N x 3 x H x W | input of extractors and evaluators |
| signed | -1 to 1  | float32 | N x 3 x H x W | output of generators (tanh)        |
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gfmn.common.array_files import open_array
from gfmn.common.errors import InputError
from gfmn.common.files import new_array
from gfmn.common.regular_files import check_regular, one_line

MAX_PIXELS = 89_478_485  # of one image: where Pillow begins to warn of decompression bombs


def bytes_to_unit(images: np.ndarray | Tensor) -> Tensor:
    """N x H x W x 3 uint8 -> N x 3 x H x W float32 in [0, 1], channels-last in memory."""
    if isinstance(images, np.ndarray) and not images.flags.writeable:
        images = images.copy()  # of a read-only memory map: torch shares writable memory alone
    tensor = torch.as_tensor(images)
    if tensor.dtype != torch.uint8 or tensor.ndim != 4 or tensor.shape[-1] != 3:
        raise ValueError(f"expected N x H x W x 3 uint8, got {tuple(tensor.shape)} {tensor.dtype}")
    return tensor.permute(0, 3, 1, 2).float().div_(255)


def signed_to_unit(images: Tensor) -> Tensor:
    """[-1, 1] -> [0, 1]; differentiable."""
    return (images + 1) / 2


def unit_to_signed(images: Tensor) -> Tensor:
    """[0, 1] -> [-1, 1]; differentiable."""
    return images * 2 - 1


def signed_to_bytes(images: Tensor) -> np.ndarray:
    """N x 3 x H x W float in [-1, 1] -> N x H x W x 3 uint8: rounded, then clamped."""
    scaled = signed_to_unit(images.detach().float()).mul(255).round_().clamp_(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def shifted(images: np.ndarray, offsets: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """N x H x W x 3 -> the same, each from its offset (N x 2: rows, columns), then some mirrored.

    Pixels from outside an image are its reflection. `mirrored`: N bool.
    """
    count, height, width = images.shape[:3]
    limit = int(np.abs(offsets).max(initial=0))
    border = ((0, 0), (limit, limit), (limit, limit), (0, 0))
    padded = np.pad(images, border, mode="reflect") if limit else images
    rows, columns = (
        limit + offsets[:, i : i + 1] + np.arange(size) for i, size in enumerate((height, width))
    )
    columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    picked: np.ndarray = padded[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None]]
    return picked


def write_images(path: Path, parts: Iterable[np.ndarray], count: int, size: int) -> None:
    """Write a count x S x S x 3 uint8 `.npy` file, S = `size` pixels, part by part.

    One part at a time is in memory. Raises `InputError` for a disk without room.
    """
    images = new_array(path, np.uint8, (count, size, size, 3))
    done = 0
    for part in parts:
        images[done : done + len(part)] = part
        done += len(part)
    images.flush()


def read_images(path: Path) -> np.ndarray:
    """Open an N x H x W x 3 uint8 `.npy` file, memory-mapped; `InputError` for any other file."""
    images = open_array(path, expected="an array of images")
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        found = f"{' x '.join(map(str, images.shape))} {images.dtype}"
        raise InputError(f"{path}: expected N x H x W x 3 uint8, found {found}")
    return images


def difference(images: np.ndarray) -> float:
    """How N x H x W x 3 uint8 images differ from one another, in gray levels.

    The standard deviation over the images, in the mean over pixels and channels: 0 where all are
    the same.
    """
    return float(images.std(0, dtype=np.float64).mean())


def read_image(path: Path) -> np.ndarray:
    """A PNG file of ours as H x W x 3 uint8; `InputError` for any other or a damaged one.

    Images that a data set is made of are decoded by `gfmn.sources.decode`.
    """
    try:
        check_regular(path)
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels")
            return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except Exception as error:  # decoders raise almost anything on damaged bytes
        raise InputError(f"{path}: expected an image, found {one_line(error)}") from None


def grid(images: np.ndarray, columns: int) -> np.ndarray:
    """Tile N x H x W x 3 uint8 images row by row into one image; the values are unchanged."""
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    tiles = np.full((rows * columns, height, width, channels), 255, np.uint8)
    tiles[:n] = images
    tiles = tiles.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(rows * height, columns * width, channels))
