"""Decoding of one image in any mode, and reasons for broken ones."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from torchvision.transforms.v2 import CenterCrop, Compose, Resize

from gfmn.sources.decode import BrokenImageError, RawImage, decode, fit, read_rgb


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(raw: RawImage) -> list[list[int]]:
    return np.asarray(read_rgb(raw)).reshape(-1, 3).tolist()


def row(*values: object, mode: str) -> Image.Image:
    image = Image.new(mode, (len(values), 1))
    for x, value in enumerate(values):
        image.putpixel((x, 0), value)
    return image


def noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def palette() -> Image.Image:
    image = row(0, 1, mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    return image


def png_of_16_bit_rgb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    data = zlib.compress(b"\0" + struct.pack(">HHH", 0x1234, 0x8000, 0xFFFF))
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(encoded(row((1, 2, 3), mode="RGB")), [[1, 2, 3]], id="rgb"),
        pytest.param(encoded(row(0, 200, mode="L")), [[0] * 3, [200] * 3], id="gray"),
        pytest.param(encoded(row(0, 1, mode="1")), [[0] * 3, [255] * 3], id="one bit"),
        pytest.param(
            encoded(row((9, 8, 7, 255), (255, 0, 0, 0), (0, 0, 0, 51), mode="RGBA")),
            [[9, 8, 7], [255, 255, 255], [204, 204, 204]],
            id="transparency over white",
        ),
        pytest.param(
            encoded(row((0, 255), (0, 0), mode="LA")), [[0] * 3, [255] * 3], id="gray and alpha"
        ),
        pytest.param(encoded(palette()), [[10, 20, 30], [40, 50, 60]], id="palette"),
        pytest.param(
            encoded(palette(), transparency=1),
            [[10, 20, 30], [255, 255, 255]],
            id="palette with a transparent color",
        ),
        pytest.param(
            encoded(palette(), "GIF", transparency=1),
            [[10, 20, 30], [255, 255, 255]],
            id="transparent gif",
        ),
        pytest.param(
            encoded(palette(), transparency=bytes([255, 51])),
            [[10, 20, 30], [212, 214, 216]],
            id="palette with alpha",
        ),
        pytest.param(
            encoded(row((1, 2, 3), (4, 5, 6), mode="RGB"), transparency=(4, 5, 6)),
            [[1, 2, 3], [255, 255, 255]],
            id="rgb with a transparent color",
        ),
        pytest.param(
            encoded(Image.fromarray(np.array([[0, 128, 129, 32768, 65535]], np.uint16))),
            [[0] * 3, [0] * 3, [1] * 3, [128] * 3, [255] * 3],
            id="16-bit gray",
        ),
        pytest.param(
            encoded(Image.fromarray(np.array([[0, 514, 65535]], np.int32)), "TIFF"),
            [[0] * 3, [2] * 3, [255] * 3],
            id="mode I",
        ),
        pytest.param(
            encoded(Image.fromarray(np.array([[0, 514]], ">u2")), "TIFF"),
            [[0] * 3, [2] * 3],
            id="big-endian 16-bit gray",
        ),
        pytest.param(png_of_16_bit_rgb(), [[0x12, 0x80, 0xFF]], id="16-bit rgb"),
        pytest.param(
            encoded(row((0, 0, 0, 0), (255, 0, 0, 0), mode="CMYK"), "TIFF"),
            [[255, 255, 255], [0, 255, 255]],
            id="cmyk",
        ),
        pytest.param(np.array([[[7, 8, 9]]], np.uint8), [[7, 8, 9]], id="array"),
        pytest.param(np.array([[7]], np.uint8), [[7, 7, 7]], id="gray array"),
        pytest.param(palette(), [[10, 20, 30], [40, 50, 60]], id="image"),
    ],
)
def test_modes_to_rgb(raw: RawImage, expected: list[list[int]]) -> None:
    assert pixels(raw) == expected


def test_cmyk_jpeg_is_not_inverted() -> None:
    raw = encoded(Image.new("CMYK", (16, 16), (0, 200, 200, 0)), "JPEG", quality=95)
    red, green, blue = pixels(raw)[0]
    assert red > 240 and green < 80 and blue < 80


def test_cmyk_uses_its_profile_unless_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))
    seen: list[bytes] = []

    def profile(file: io.BytesIO) -> str:
        seen.append(file.read())
        return "own"

    def convert(image: Image.Image, own: object, target: object, **options: object) -> Image.Image:
        assert own == "own" and image.mode == "CMYK" and options == {"outputMode": "RGB"}
        return Image.new("RGB", image.size, (200, 30, 20))

    damaged = encoded(image, "TIFF", icc_profile=b"no profile")
    assert pixels(damaged)[0] == [255, 0, 0]
    rgb_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    other_channels = encoded(image, "TIFF", icc_profile=rgb_profile)
    assert pixels(other_channels)[0] == [255, 0, 0]
    monkeypatch.setattr(ImageCms, "getOpenProfile", profile)
    monkeypatch.setattr(ImageCms, "profileToProfile", convert)
    assert pixels(damaged)[0] == [200, 30, 20] and seen == [b"no profile"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.T,
        6: np.rot90(stored, -1),
        7: stored[::-1, ::-1].T,
        8: np.rot90(stored),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_rgb(encoded(Image.fromarray(stored), exif=exif.tobytes()))
    assert (np.asarray(image)[..., 0] == upright).all()


def test_damaged_exif_does_not_break_an_image() -> None:
    raw = encoded(row((1, 2, 3), mode="RGB"), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0")
    images, broken = decode([raw], 8, None)
    assert not broken and (images == [1, 2, 3]).all()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no bytes"),
        (b"hello", "none of PNG, JPEG"),
        (encoded(noise(64, 64))[:3000], "truncated"),
        (encoded(noise(64, 64), "JPEG")[:900], "truncated"),
        (encoded(Image.new("F", (2, 2)), "TIFF"), "floating-point pixels"),
        (encoded(Image.fromarray(np.array([[70000]], np.int32)), "TIFF"), "beyond 16 bits"),
        (Path("nowhere.png"), "No such file"),
        (BrokenImageError("unreadable for its source"), "unreadable for its source"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "none of PNG"),
        (noise(1, 1000), "once its shorter side is scaled"),
    ],
)
def test_broken_image_has_a_reason(
    raw: RawImage, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gfmn.sources.decode.MAX_PIXELS", 100_000)
    images, broken = decode([raw], 32, None)
    assert len(images) == 0 and [index for index, _ in broken] == [0]
    assert reason in broken[0][1] and "\n" not in broken[0][1] and " at 0x" not in broken[0][1]


@pytest.mark.parametrize("pillow", [1e9, 40, 10])  # silent, a warning, an error
def test_decompression_bomb_is_refused_before_decoding(
    pillow: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(pillow))
    monkeypatch.setattr("gfmn.sources.decode.MAX_PIXELS", 40)
    _, broken = decode([encoded(noise(8, 8))], 8, None)
    assert len(broken) == 1 and "more than 40" in broken[0][1]


def test_broken_image_leaves_others_in_place() -> None:
    good = [np.full((8, 8, 3), value, np.uint8) for value in (1, 2, 3)]
    images, broken = decode([good[0], b"", good[1], b"x", good[2]], 8, None)
    assert images[:, 0, 0, 0].tolist() == [1, 2, 3] and [i for i, _ in broken] == [1, 3]


@pytest.mark.parametrize("size", [8, 32, 64])
@pytest.mark.parametrize("shape", [(178, 218), (101, 67), (33, 40), (40, 201), (20, 31), (65, 64)])
def test_fit_without_crop_equals_torchvision(shape: tuple[int, int], size: int) -> None:
    image = noise(*shape)
    expected = Compose([Resize(size), CenterCrop(size)])(image)
    assert (np.asarray(fit(image, size, None)) == np.asarray(expected)).all()


@pytest.mark.parametrize("size", [64, 128])
def test_fit_with_crop_equals_torchvision(size: int) -> None:
    image = noise(178, 218)
    expected = Compose([CenterCrop(160), Resize(size)])(image)
    assert (np.asarray(fit(image, size, 160)) == np.asarray(expected)).all()


def test_fit_crops_a_smaller_image_to_a_square() -> None:
    image = noise(100, 50)
    expected = image.crop((25, 0, 75, 50)).resize((32, 32), Image.Resampling.BILINEAR)
    assert (np.asarray(fit(image, 32, 160)) == np.asarray(expected)).all()


@pytest.mark.parametrize("crop", [None, 40])
def test_fit_of_right_size_keeps_pixels(crop: int | None) -> None:
    image = noise(32, 32)
    assert (np.asarray(fit(image, 32, crop)) == np.asarray(image)).all()


def test_fit_antialiases() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    image = np.asarray(fit(Image.fromarray(stripes), 8, None))
    assert (abs(image.astype(int) - 127.5) < 3).all()
