"""Write the fixed corpus of the doors for untrusted bytes: `python tests/corpus/make.py`.

A folder a door. Files called `refused-...` must be refused in one line, all others are read.
"""

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from PIL import Image

from gfmn.common import tensorfile

CORPUS = Path(__file__).parent
MARKER = "executed-by-a-door"  # the folder that an executed payload makes
MEMBER = "tiny/data.bin"
TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b/half": torch.ones(2, dtype=torch.bfloat16)}
DEEP = "[" * 5_000 + "]" * 5_000
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n"
FIXED = (1980, 1, 1, 0, 0, 0)


class Payload:
    """What makes a folder where a pickle is loaded."""

    def __reduce__(self) -> Any:
        return os.mkdir, (MARKER,)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED), content, method)
    return buffer.getvalue()


def tarred(
    mode: str, content: bytes, kind: bytes = tarfile.REGTYPE, target: str = "", **options: Any
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as archive:
        for name in ("tiny/setup.py", MEMBER):
            entry = tarfile.TarInfo(name)
            is_member = name == MEMBER
            entry.type, entry.linkname = (kind, target) if is_member else (tarfile.REGTYPE, "")
            entry.size = len(content) if entry.isfile() else 0
            archive.addfile(entry, io.BytesIO(content) if entry.isfile() else None)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(header: str) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def tensors(metadata: str) -> bytes:
    return bytes(safetensors.torch.save(TENSORS, {tensorfile.KEY: metadata}))


def image(kind: str, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    pixels = np.arange(12 * 9 * 3, dtype=np.uint8).reshape(12, 9, 3)
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def parquet(metadata: str) -> bytes:
    buffer = io.BytesIO()
    table = pa.table({"seed": [0, 1], "score": ["fd", "kd"], "value": [1.5, 2.5]})
    pq.write_table(table.replace_schema_metadata({"gfmn": metadata}), buffer)
    return buffer.getvalue()


def corpus() -> dict[str, bytes]:
    """Every file's content by its path in the corpus."""
    batch = {"data": np.arange(96, dtype=np.uint8).reshape(2, 48), "labels": [1, 2]}
    npz = {f"{key}.npy": npy(np.asarray(value)) for key, value in batch.items()}
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for last, name in zip("abcdefgh", "bcdefghi", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]\n"
    files: dict[str, bytes | str] = {
        "json/config.json": json.dumps({"run": "x", "latent": 16, "gaps": [{"a": 1.5e-3}]}),
        "json/refused-deep.json": f'{{"a": {DEEP}}}',
        "json/refused-digits.json": f'{{"a": {"1" * 5000}}}',
        "json/refused-half-character.json": '{"a": "\\ud800"}',
        "json/refused-list.json": "[1, 2]",
        "yaml/params.yaml": "a: &x {lr: 1e-4, steps: 10, seeds: [0, 1]}\nb: {<<: *x, lr: .5}\n",
        "yaml/refused-date.yaml": "a: 2020-01-01\n",
        "yaml/refused-binary.yaml": "a: !!binary aGVsbG8=\n",
        "yaml/refused-set.yaml": "a: !!set {x, y}\n",
        "yaml/refused-python.yaml": f"a: !!python/object/apply:os.mkdir [{MARKER}]\n",
        "yaml/refused-itself.yaml": "a: &a [*a]\n",
        "yaml/refused-deep.yaml": f"a: {DEEP}\n",
        "yaml/refused-bomb.yaml": bomb,
        "tensors/plain.safetensors": b"",  # below
        "tensors/refused-deep.safetensors": tensors(f'{{"format": "made-up", "a": {DEEP}}}'),
        "tensors/refused-no-digest.safetensors": tensors('{"format": "made-up"}'),
        "array/images.npy": npy(np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)),
        "array/columns.npy": npy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        "array/refused-objects.npy": npy(np.array([Payload()], dtype=object)),
        "array/refused-pickle.npy": pickle.dumps(Payload()),
        "array/refused-huge.npy": npy_header(
            f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({1 << 50},)}}"
        ),
        "array/refused-deep.npy": npy_header("-" * 9000 + "1"),
        "npz/batch.npz": zipped(npz, zipfile.ZIP_STORED),
        "npz/packed.npz": zipped(npz),
        "npz/refused-objects.npz": zipped(npz | {"labels.npy": npy(np.array([Payload()]))}),
        "npz/refused-huge.npz": zipped(
            npz
            | {
                "labels.npy": npy_header(
                    f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({1 << 40},)}}"
                )
            }
        ),
        "archive/tiny.whl": zipped({"tiny/__init__.py": b"", MEMBER: b"weights" * 20}),
        "archive/tiny.tar.gz": b"",  # below
        "archive/tiny.tar.xz": tarred("w:xz", b"weights" * 20),
        "archive/refused-bomb.tar.xz": tarred("w:xz", bytes(70 << 20), preset=0),
        "archive/refused-bomb.whl": b"",  # below
        "archive/refused-link.tar.bz2": tarred("w:bz2", b"", tarfile.SYMTYPE, "data.bin"),
        "archive/refused-outside.tar.bz2": tarred("w:bz2", b"", tarfile.LNKTYPE, "/etc/hostname"),
        "tar/samples.tar": tarred("w", b"1"),
        "tar/long-names.tar": tarred("w", b"1", format=tarfile.PAX_FORMAT, pax_headers={"a": "b"}),
        "tar/samples.tar.gz": b"",  # below
        "tar/refused-bomb.tar.gz": b"",  # below
        "tar/refused-link.tar": tarred("w", b"", tarfile.SYMTYPE, "data.bin"),
        "tar/refused-device.tar": tarred("w", b"", tarfile.CHRTYPE),
        "tar/refused-cut.tar": tarred("w", b"1" * 3000)[:4096],
        "pickle/batch.pickle": pickle.dumps(batch, 3),
        "pickle/nested.pickle": pickle.dumps({"a": {"b": np.ones(3, np.float32)}, "c": (1,)}, 5),
        "pickle/refused-call.pickle": pickle.dumps({"a": Payload()}, 4),
        "weights/state.pt": saved({"a": torch.ones(2, 3), "b": torch.zeros(1).half()}),
        "weights/legacy.t7": saved(
            {"net": {"a": torch.ones(2, 3)}, "acc": 57.2}, _use_new_zipfile_serialization=False
        ),
        "weights/plain.safetensors": bytes(safetensors.torch.save(TENSORS)),
        "weights/refused-call.t7": saved(
            {"net": Payload()}, _use_new_zipfile_serialization=False, pickle_protocol=2
        ),
        "parquet/scores.parquet": parquet('{"seeds": [{"seed": 0}]}'),
        "parquet/refused-deep.parquet": parquet(f'{{"seeds": [{{"seed": 0}}], "a": {DEEP}}}'),
        **{
            f"image/image.{kind.lower()}": image(kind)
            for kind in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000")
        },
        "image/image.gif": image("GIF", "P"),
        "image/cmyk.jpeg": image("JPEG", "CMYK"),
        "image/refused-postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "image/refused-bomb.png": image("PNG").replace(
            (9).to_bytes(4, "big") + (12).to_bytes(4, "big"), b"\x00\x01\x00\x00" * 2
        ),
    }
    for door in sorted({name.partition("/")[0] for name in files} - {"yaml"}):
        files[f"{door}/refused-lfs"] = POINTER
        files[f"{door}/refused-page"] = PAGE
        files[f"{door}/refused-empty"] = b""
    contents = {k: v.encode() if isinstance(v, str) else v for k, v in files.items()}
    contents["archive/tiny.tar.gz"] = _gzipped(tarred("w:", b"weights" * 20))
    contents["tar/samples.tar.gz"] = _gzipped(tarred("w", b"1"))
    large = tarfile.TarInfo("zeros")
    large.size = 65 << 20
    contents["tar/refused-bomb.tar.gz"] = _gzipped(large.tobuf() + b"0" * 512)
    bomb_zip = bytearray(zipped({MEMBER: b"weights"}))
    place = bomb_zip.index(b"PK\x01\x02") + 24
    bomb_zip[place : place + 4] = (3 << 30).to_bytes(4, "little")
    contents["archive/refused-bomb.whl"] = bytes(bomb_zip)
    return contents


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def main() -> None:
    for name, content in corpus().items():
        path = CORPUS / name
        path.parent.mkdir(exist_ok=True)
        if name == "tensors/plain.safetensors":
            tensorfile.write(path, TENSORS, {"format": "made-up", "sizes": [1, 2]})
        else:
            path.write_bytes(content)
        assert path.stat().st_size < 50_000, path


if __name__ == "__main__":
    main()
