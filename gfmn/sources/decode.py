"""Decoding of one image: bytes, a file or an array in any mode -> S x S x 3 uint8.

Worker processes import this file first, so it needs nothing but numpy and Pillow.
"""

import errno
import io
import warnings
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

# Those decoded without another program: Pillow would call one for a PostScript file.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
MAX_PIXELS = 89_478_485  # of one image: where Pillow begins to warn of decompression bombs
ORIENTATION = 0x0112  # EXIF


class BrokenImageError(Exception):
    """This image cannot be used; the message is the reason, without the image's name."""


RawImage = bytes | Path | np.ndarray | Image.Image | BrokenImageError


def decode(
    raws: Sequence[RawImage], size: int, crop: int | None
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Images -> n x S x S x 3 uint8 of those that can be read, and why the others cannot.

    The others are pairs of an index into `raws` and a reason. Arrays are H x W x 3 or H x W uint8;
    a `BrokenImageError` among `raws` is an image that its source could not read.
    """
    images = np.empty((len(raws), size, size, 3), np.uint8)
    broken: list[tuple[int, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about damaged metadata
        for index, raw in enumerate(raws):
            try:
                images[index - len(broken)] = np.asarray(fit(read_rgb(raw), size, crop))
            except BrokenImageError as error:
                broken.append((index, str(error)))
    return images[: len(raws) - len(broken)], broken


def read_rgb(raw: RawImage) -> Image.Image:
    """An RGB image, upright; `BrokenImageError` with the reason where there is none."""
    if isinstance(raw, BrokenImageError):
        raise raw
    try:
        if isinstance(raw, np.ndarray):
            return Image.fromarray(np.ascontiguousarray(raw)).convert("RGB")
        if isinstance(raw, Image.Image):
            return to_rgb(upright(raw))
        if isinstance(raw, bytes) and not raw:
            raise BrokenImageError("no bytes")
        _check_regular(raw)
        with Image.open(raw if isinstance(raw, Path) else io.BytesIO(raw), "r", FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise BrokenImageError(_too_large(image.size))
            image.load()
            return to_rgb(upright(image))
    except (BrokenImageError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise BrokenImageError(f"none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise BrokenImageError(f"more than {MAX_PIXELS:,} pixels") from None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise  # the machine's fault, not the image's
        raise BrokenImageError(error.strerror or str(error)) from None
    except Exception as error:  # decoders raise almost anything on damaged bytes
        raise BrokenImageError(" ".join(f"{type(error).__name__}: {error}".split())) from None


def size_of(raw: RawImage) -> tuple[int, int]:
    """Width and height, from the header alone; `BrokenImageError` where there is none."""
    if isinstance(raw, BrokenImageError):
        raise raw
    if isinstance(raw, np.ndarray):
        return raw.shape[1], raw.shape[0]
    if isinstance(raw, Image.Image):
        return raw.size
    try:
        _check_regular(raw)
        with Image.open(raw if isinstance(raw, Path) else io.BytesIO(raw), "r", FORMATS) as image:
            turned = image.getexif().get(ORIENTATION, 1) > 4
            return image.size[::-1] if turned else image.size
    except Exception as error:  # decoders raise almost anything on damaged bytes
        raise BrokenImageError(" ".join(f"{type(error).__name__}: {error}".split())) from None


def _check_regular(raw: bytes | Path) -> None:
    """Refuse what is no file of a disk: a pipe would be waited for."""
    if isinstance(raw, Path) and raw.exists() and not raw.is_file():
        raise BrokenImageError("no regular file")


def upright(image: Image.Image) -> Image.Image:
    """Turned and mirrored as its EXIF orientation says; unreadable EXIF counts as none."""
    try:
        if image.getexif().get(ORIENTATION, 1) == 1:
            return image
        return ImageOps.exif_transpose(image)
    except Exception:  # as above
        return image


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB.

    Transparency is composited over white, 16-bit gray scaled so that 65535 becomes 255, CMYK
    converted by its own profile where it has one. Modes without a defined range are a
    `BrokenImageError`.
    """
    if image.mode == "F":
        raise BrokenImageError("floating-point pixels (mode F), whose range nothing says")
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    if image.mode == "CMYK":
        return _from_cmyk(image)
    if image.has_transparency_data:
        if image.mode == "La":  # has no direct conversion
            image = image.convert("LA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def fit(image: Image.Image, size: int, crop: int | None) -> Image.Image:
    """RGB of any size -> `size` x `size` pixels, by the rule of the paper's published code.

    With `crop`, the centered square of that side (or the largest one), scaled; without, the shorter
    side scaled and then the centered square. Scaling is bilinear and antialiased; what has the
    size already is not resampled.
    """
    if crop is not None:
        image = _center_square(image, min(crop, *image.size))
    shorter, longer = sorted(image.size)
    if shorter == 0:
        raise BrokenImageError("no pixels")
    if shorter != size:
        scaled = (size, int(size * longer / shorter))
        if scaled[0] * scaled[1] > MAX_PIXELS:
            raise BrokenImageError(f"{_too_large(scaled)} once its shorter side is scaled")
        if image.width > image.height:
            scaled = scaled[::-1]
        image = image.resize(scaled, Image.Resampling.BILINEAR)  # antialiases as it shrinks
    return _center_square(image, size)


def _center_square(image: Image.Image, side: int) -> Image.Image:
    if image.size == (side, side):
        return image
    left, top = (round((extent - side) / 2) for extent in image.size)
    return image.crop((left, top, left + side, top + side))


def _too_large(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels, more than {MAX_PIXELS:,}"


def _from_16_bits(image: Image.Image) -> Image.Image:
    # Mode I has 32 bits and is what some versions of Pillow make of 16-bit files.
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise BrokenImageError(f"integers beyond 16 bits (mode {image.mode})")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _from_cmyk(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            own = ImageCms.getOpenProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, own, _srgb(), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ImportError):
            pass  # a damaged profile, or one of other channels
    return image.convert("RGB")


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
