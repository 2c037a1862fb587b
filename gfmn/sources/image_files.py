"""One picture in any mode, from bytes, a file or an array, to S x S x 3 bytes.

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

# Those that need no other program: Pillow would call one for a PostScript file.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")
MOST_PIXELS = 89_478_485  # of one picture: where Pillow begins to warn of decompression bombs
ORIENTATION = 0x0112  # EXIF


class BrokenError(Exception):
    """This picture cannot be used; the message is the reason, without the picture's name."""


Raw = bytes | Path | np.ndarray | Image.Image | BrokenError


def decode(
    raws: Sequence[Raw], size: int, crop: int | None
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Pictures -> n x S x S x 3 uint8 of those that can be read, and why the others cannot.

    The others are pairs of an index into `raws` and a reason. Raw arrays are H x W x 3 or H x W
    uint8; a raw `BrokenError` is a picture that its source could not read.
    """
    images = np.empty((len(raws), size, size, 3), np.uint8)
    broken: list[tuple[int, str]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, about damaged metadata
        for index, raw in enumerate(raws):
            try:
                images[index - len(broken)] = np.asarray(fit(read(raw), size, crop))
            except BrokenError as error:
                broken.append((index, str(error)))
    return images[: len(raws) - len(broken)], broken


def read(raw: Raw) -> Image.Image:
    """An RGB picture, upright; `BrokenError` with the reason where there is none to be had."""
    if isinstance(raw, BrokenError):
        raise raw
    try:
        if isinstance(raw, np.ndarray):
            return Image.fromarray(np.ascontiguousarray(raw)).convert("RGB")
        if isinstance(raw, Image.Image):
            return to_rgb(upright(raw))
        if isinstance(raw, bytes) and not raw:
            raise BrokenError("no bytes")
        with Image.open(raw if isinstance(raw, Path) else io.BytesIO(raw), "r", FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise BrokenError(_too_large(picture.size))
            picture.load()
            return to_rgb(upright(picture))
    except (BrokenError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise BrokenError(f"none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise BrokenError(f"more than {MOST_PIXELS:,} pixels") from None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise  # the machine's fault, not the picture's
        raise BrokenError(error.strerror or str(error)) from None
    except Exception as error:  # decoders raise almost anything on damaged bytes
        raise BrokenError(" ".join(f"{type(error).__name__}: {error}".split())) from None


def size_of(raw: Raw) -> tuple[int, int]:
    """Width and height, from the header alone; `BrokenError` where there is none to be had."""
    if isinstance(raw, BrokenError):
        raise raw
    if isinstance(raw, np.ndarray):
        return raw.shape[1], raw.shape[0]
    if isinstance(raw, Image.Image):
        return raw.size
    try:
        with Image.open(raw if isinstance(raw, Path) else io.BytesIO(raw), "r", FORMATS) as picture:
            turned = picture.getexif().get(ORIENTATION, 1) > 4
            return picture.size[::-1] if turned else picture.size
    except Exception as error:  # decoders raise almost anything on damaged bytes
        raise BrokenError(" ".join(f"{type(error).__name__}: {error}".split())) from None


def upright(picture: Image.Image) -> Image.Image:
    """Turned and mirrored as its EXIF orientation says; unreadable EXIF counts as none."""
    try:
        if picture.getexif().get(ORIENTATION, 1) == 1:
            return picture
        return ImageOps.exif_transpose(picture)
    except Exception:  # likewise
        return picture


def to_rgb(picture: Image.Image) -> Image.Image:
    """Any mode to RGB.

    Transparency is laid over white, 16-bit grey scaled so that 65535 becomes 255, CMYK converted by
    its own profile where it has one. Modes without a defined range are a `BrokenError`.
    """
    if picture.mode == "F":
        raise BrokenError("floating-point pixels (mode F), whose range nothing says")
    if picture.mode.startswith("I"):
        return _from_16_bits(picture)
    if picture.mode == "CMYK":
        return _from_cmyk(picture)
    if picture.has_transparency_data:
        if picture.mode == "La":  # has no direct conversion
            picture = picture.convert("LA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def fit(picture: Image.Image, size: int, crop: int | None) -> Image.Image:
    """RGB of any size -> `size` x `size` pixels, by the rule of the paper's published code.

    With `crop`, the centred square of that side (or the largest one), scaled; without, the shorter
    side scaled and then the centred square. Scaling is bilinear and antialiased; what has the
    size already is not resampled.
    """
    if crop is not None:
        picture = _centre(picture, min(crop, *picture.size))
    shorter, longer = sorted(picture.size)
    if shorter == 0:
        raise BrokenError("no pixels")
    if shorter != size:
        scaled = (size, int(size * longer / shorter))
        if scaled[0] * scaled[1] > MOST_PIXELS:
            raise BrokenError(f"{_too_large(scaled)} once its shorter side is scaled")
        if picture.width > picture.height:
            scaled = scaled[::-1]
        picture = picture.resize(scaled, Image.Resampling.BILINEAR)  # antialiases as it shrinks
    return _centre(picture, size)


def _centre(picture: Image.Image, side: int) -> Image.Image:
    if picture.size == (side, side):
        return picture
    left, top = (round((extent - side) / 2) for extent in picture.size)
    return picture.crop((left, top, left + side, top + side))


def _too_large(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]} pixels, more than {MOST_PIXELS:,}"


def _from_16_bits(picture: Image.Image) -> Image.Image:
    # Mode I has 32 bits and is what some versions of Pillow make of 16-bit files.
    values = np.asarray(picture).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise BrokenError(f"integers beyond 16 bits (mode {picture.mode})")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8)).convert("RGB")


def _from_cmyk(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if profile:
        try:
            own = ImageCms.getOpenProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, own, _srgb(), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ImportError):
            pass  # a damaged profile, or one of other channels
    return picture.convert("RGB")


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
