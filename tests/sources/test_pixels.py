"""Every format, mode, depth, orientation and transparency that can be written here, to the pixel.

By path and as bytes alike, and as numpy computes it from the values that were written.
"""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage.color import lab2rgb

from gfmn.sources.decode import FORMATS, BrokenImageError, read_rgb
from gfmn.sources.image_folder import SUFFIXES, UNREAD

RGBA = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (9, 12), dtype=np.uint16)
LOSSLESS = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("1", "L", "LA", "P", "PA", "RGB", "RGBA"),
    "GIF": ("1", "L", "P"),
    "BMP": ("1", "L", "P", "RGB"),
    "DIB": ("1", "L", "P", "RGB"),
    "TIFF": ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16"),
    "PPM": ("1", "L", "RGB", "I", "I;16"),
    "JPEG2000": ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"),
}
LOSSY = ("L", "RGB", "CMYK")  # of JPEG
NEAR = {"LAB": 8}  # levels, where the conversion of colors is another library's
TURNS = (  # by EXIF's number, from 1 on
    lambda a: a,
    lambda a: a[:, ::-1],
    lambda a: a[::-1, ::-1],
    lambda a: a[::-1],
    lambda a: a.swapaxes(0, 1),
    lambda a: np.rot90(a, -1),
    lambda a: a[::-1, ::-1].swapaxes(0, 1),
    lambda a: np.rot90(a),
)


def both(path: Path) -> np.ndarray:
    """The pixels of a file, which its bytes must have too."""
    found = np.asarray(read_rgb(path))
    assert (np.asarray(read_rgb(path.read_bytes())) == found).all()
    return found


def made(mode: str) -> tuple[Image.Image, np.ndarray]:
    """An image of a mode, and its pixels over white, H x W x 3 floats."""
    if mode.startswith("I"):
        image = Image.fromarray(DEEP if mode == "I;16" else DEEP.astype(np.int32))
        return image, np.repeat(DEEP[..., None] / 257, 3, 2)
    image = Image.fromarray(RGBA).convert(mode)
    if mode in ("P", "PA"):
        image = Image.fromarray(RGBA[..., :3]).quantize(16)
        palette = np.array(image.getpalette()).reshape(-1, 3)
        opaque = palette[np.asarray(image)].astype(float)
        if mode == "P":
            return image, opaque
        image = image.convert("PA")
        image.putalpha(Image.fromarray(RGBA[..., 3]))
        alpha = RGBA[..., 3:] / 255
        return image, opaque * alpha + 255 * (1 - alpha)
    values = np.asarray(image).astype(float)
    if mode == "YCbCr":  # of JFIF
        luma, blue, red = np.moveaxis(values - [0, 128, 128], 2, 0)
        green = luma - 0.344136 * blue - 0.714136 * red
        rgb = np.stack([luma + 1.402 * red, green, luma + 1.772 * blue], 2)
        return image, rgb.clip(0, 255)
    if mode == "LAB":
        muted = RGBA[..., 1:3].view(np.int8) // 32  # colors that sRGB has
        image = Image.fromarray(np.dstack([RGBA[..., 0], muted.view(np.uint8)]), "LAB")
        lab = np.dstack([RGBA[..., 0] / 2.55, muted])
        return image, lab2rgb(lab) * 255  # white is white, whatever the illuminant
    if mode == "1":
        return image, np.repeat(values[..., None] * 255, 3, 2)
    if mode == "CMYK":
        return image, (255 - values[..., :3]) * (255 - values[..., 3:]) / 255
    values = values[..., None] if values.ndim == 2 else values
    if mode in ("LA", "RGBA"):
        alpha = values[..., -1:] / 255
        values = values[..., :-1] * alpha + 255 * (1 - alpha)
    return image, np.broadcast_to(values, (*values.shape[:2], 3))


@pytest.mark.parametrize(("kind", "mode"), [(k, m) for k, each in LOSSLESS.items() for m in each])
def test_lossless_format_gives_the_values_that_were_written(
    tmp_path: Path, kind: str, mode: str
) -> None:
    image, expected = made(mode)
    image.save(tmp_path / "a", kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.abs(both(tmp_path / "a") - expected).max() < NEAR.get(mode, 1)


def test_docs_table_has_the_formats_endings_and_modes_that_are_read() -> None:
    text = (Path(__file__).parents[2] / "docs/datasets.md").read_text()
    table = text[text.index("| format | endings |") :].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.splitlines()[2:]]
    names = {"JPEG 2000": "JPEG2000", "WebP": "WEBP"}
    modes = {names.get(kind, kind): text.split("; ")[0].split(", ") for kind, _, text in rows}
    written = {**LOSSLESS, "JPEG": LOSSY}
    assert {kind: (*modes[kind][: len(written[kind])],) for kind in modes} == {
        kind: each for kind, each in written.items() if kind != "DIB"
    }
    assert {*written} == {*FORMATS} and LOSSLESS["DIB"] == LOSSLESS["BMP"]
    assert sorted(" ".join(endings.strip("`") for _, endings, _ in rows).split()) == [*SUFFIXES]


def test_ending_of_every_format_of_pillow_is_read_or_counted() -> None:
    Image.init()
    no_images = {".h5", ".hdf", ".iim", ".mpeg", ".mpg", ".pdf"}
    for ending, kind in Image.registered_extensions().items():
        known = SUFFIXES if kind in FORMATS and ending != ".pfm" else UNREAD
        assert ending in known or ending in no_images, (ending, kind)


@pytest.mark.parametrize("kind", ["AVIF", "DDS", "ICO", "PCX", "QOI", "SGI", "TGA"])
def test_format_that_is_not_read_is_refused(tmp_path: Path, kind: str) -> None:
    try:
        Image.fromarray(RGBA[..., :3]).save(tmp_path / "a", kind)
    except KeyError:
        pytest.skip(f"Pillow has no {kind} here")
    with pytest.raises(BrokenImageError, match="none of PNG, JPEG"):
        both(tmp_path / "a")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "MPO"])
def test_first_image_of_several_is_read(tmp_path: Path, kind: str) -> None:
    shades = [Image.new("L", (8, 8), shade) for shade in (40, 120, 200)]
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    shades[0].save(tmp_path / "a", kind, save_all=True, append_images=shades[1:], **options)
    with Image.open(tmp_path / "a") as image:
        assert getattr(image, "n_frames", 1) == 3
    assert (both(tmp_path / "a") == 40).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_profile_of_colors_changes_nothing(tmp_path: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(RGBA[..., :3]).save(tmp_path / "a", kind, icc_profile=profile, **options)
    assert (both(tmp_path / "a") == RGBA[..., :3]).all()


@pytest.mark.parametrize("mode", LOSSY)
def test_jpeg_is_near_the_values_that_were_written(tmp_path: Path, mode: str) -> None:
    smooth = np.mgrid[:64, :64].sum(0).astype(np.uint8)
    image = Image.fromarray(np.stack([smooth, 255 - smooth, smooth], 2)).convert(mode)
    image.save(tmp_path / "a", "JPEG", quality=100, subsampling=0)
    assert np.abs(both(tmp_path / "a") - np.asarray(image.convert("RGB")).astype(float)).max() < 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "mode"), [*(("TIFF", m) for m in LOSSLESS["TIFF"]), ("PNG", "RGB"), ("WEBP", "RGB")]
)
def test_orientation_turns_the_pixels_and_nothing_else(
    tmp_path: Path, kind: str, mode: str, orientation: int
) -> None:
    image, expected = made(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    image.save(tmp_path / "a", kind, exif=exif, **options)
    assert np.abs(both(tmp_path / "a") - TURNS[orientation - 1](expected)).max() < NEAR.get(mode, 1)


def png(depth: int, color: int, values: list[int], transparent: bytes | None) -> bytes:
    """A PNG of one row by its specification; `values`: of all channels."""
    bits = "".join(f"{value:0{depth}b}" for value in values)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    row = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    width = len(values) // (3 if color == 2 else 1)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, 1, depth, color, 0, 0, 0))]
    parts += [(b"tRNS", transparent)] if transparent is not None else []
    parts += [(b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("key", [None, 0, 1])
def test_pngs_transparent_gray_is_laid_over_white(
    tmp_path: Path, depth: int, key: int | None
) -> None:
    most = 2**depth - 1
    values = sorted({0, 1, most // 2, most})
    transparent = None if key is None else struct.pack(">H", key)
    (tmp_path / "a").write_bytes(png(depth, 0, values, transparent))
    expected = [255 if value == key else round(255 * value / most) for value in values]
    assert both(tmp_path / "a")[0, :, 1].tolist() == expected


def test_pngs_transparent_color_is_laid_over_white_or_refused(tmp_path: Path) -> None:
    values, key = [10, 20, 30, 11, 20, 30], struct.pack(">HHH", 10, 20, 30)
    (tmp_path / "a").write_bytes(png(8, 2, values, key))
    assert both(tmp_path / "a")[0].tolist() == [[255, 255, 255], [11, 20, 30]]
    with pytest.raises(BrokenImageError, match="a transparent color of 16 bits a channel"):
        read_rgb(png(16, 2, values, key))


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_tiff_of_16_bits_whose_white_is_0_is_no_negative(
    tmp_path: Path, compression: str | None
) -> None:
    ramp = np.arange(8, dtype=np.uint16)[None] * 8481
    stored = Image.fromarray(65535 - ramp)
    stored.save(tmp_path / "a", "TIFF", compression=compression, tiffinfo={262: 0})
    assert both(tmp_path / "a")[0, :, 0].tolist() == (np.arange(8) * 33).tolist()


def test_number_of_no_range_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a", "TIFF")
    with pytest.raises(BrokenImageError, match="floating-point pixels"):
        both(tmp_path / "a")
