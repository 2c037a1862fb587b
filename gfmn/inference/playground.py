"""A generator as a page that runs it: one file, no network, no server.

`gfmn export MODEL page.html`. The page holds the ONNX file, onnxruntime-web, which runs it in the
browser, and real images to compare samples with.
"""

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image

from gfmn.common.archives import read_members
from gfmn.common.errors import InputError
from gfmn.common.images import grid, read_images
from gfmn.inference.generator import TrainedGenerator
from gfmn.inference.image_files import write_atomically
from gfmn.inference.onnx_export import Difference, export
from gfmn.weights.cache import folder

PACKAGE = "onnxruntime-web@1.30.0"  # of the npm registry, MIT
SCRIPT, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
SHA256 = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    BINARY: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
REAL = 400  # images to compare with
SLIDERS = 12  # values of the latent that have one


def write_playground(
    generator: TrainedGenerator, path: Path, real: np.ndarray | None, overwrite: bool = False
) -> Difference:
    """Write the page; returns how far the images of its ONNX file are from PyTorch's.

    `real`: N x S x S x 3 uint8, of which the page shows the nearest; None for none. Raises
    `InputError` where the runtime cannot be had.
    """
    script, binary = (runtime()[name] for name in (SCRIPT, BINARY))
    with write_atomically(path, overwrite) as partial:
        with tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
            model = Path(scratch) / "generator.onnx"
            difference = export(generator, model)
            content = model.read_bytes()
        facts = {
            "name": generator.name,
            "latent": generator.latent,
            "size": generator.image_size,
            "sliders": min(SLIDERS, generator.latent),
            "real": 0 if real is None else len(real),
        }
        page = resources.files("gfmn.inference").joinpath("playground.html").read_text("utf-8")
        parts = {
            "MODEL": _packed(content),
            "BINARY": _packed(binary),
            "SCRIPT": _packed(script),
            "REAL": _real_images(real),
            "FACTS": json.dumps(facts).replace("<", "\\u003c"),  # last: it has a name in it
        }
        for name, text in parts.items():
            page = page.replace(f"@{name}@", text)
        partial.write_text(page, encoding="utf-8")
    return difference


def study_images(generator: TrainedGenerator) -> np.ndarray | None:
    """Images of the data set that a study's generator was trained on, spread over it, if there."""
    dataset = generator.config.get("statistics", {}).get("dataset", "")
    prepared = generator.folder.resolve().parents[2] / "prepared" / str(dataset)
    if not dataset or not (prepared / "images.npy").exists():
        return None
    images = read_images(prepared / "images.npy")
    chosen = np.linspace(0, len(images) - 1, min(REAL, len(images))).astype(int)
    return np.asarray(images[chosen])


def runtime() -> dict[str, bytes]:
    """onnxruntime-web's two files, by name: fetched with npm once, checked by their hashes."""
    cache = folder().parent / "runtime"
    files = {name: cache / f"{digest[:12]}-{name}" for name, digest in SHA256.items()}
    if not all(path.exists() for path in files.values()):
        cache.mkdir(parents=True, exist_ok=True)
        for name, content in _fetched().items():
            with write_atomically(files[name], overwrite=True) as partial:
                partial.write_bytes(content)
    contents = {name: path.read_bytes() for name, path in files.items()}
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != SHA256[name]:
            raise InputError(f"{files[name]}: expected {PACKAGE}'s {name}, found another file")
    return contents


def _fetched() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise InputError(f"export: expected npm to fetch {PACKAGE} for the page, found none")
    with tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
        command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", scratch]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(Path(scratch).glob("*.tgz"))
        if done.returncode or not archives:
            reason = " ".join(done.stderr.split())[:200]
            raise InputError(f"export: expected npm to fetch {PACKAGE}, found: {reason}")
        members = {name: f"package/dist/{name}" for name in SHA256}
        with archives[0].open("rb") as file:
            found = read_members(file, members.values(), PACKAGE, "an archive of npm")
        return {name: found[member] for name, member in members.items()}


def _packed(content: bytes) -> str:
    """Compressed, as text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _real_images(images: np.ndarray | None) -> str:
    """All images in rows of 20, a PNG as a data URI: the page compares them pixel by pixel."""
    if images is None:
        return ""
    buffer = io.BytesIO()
    Image.fromarray(grid(images, 20)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
