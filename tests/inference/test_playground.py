"""The page that runs a generator: its images are PyTorch's, and it loads nothing."""

import json
import re
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import ClassVar

import numpy as np
import pytest
from builders.generator_files import saved

from gfmn.common.errors import InputError
from gfmn.inference import playground
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.inference.playground import SHA256, study_images, write_playground

pytest.importorskip("onnx")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
PROBE = """
(async () => {
  while (!window.playground) await new Promise((wait) => setTimeout(wait, 100));
  const z = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
  const [pixels] = await window.playground.generate([z]);
  const tiles = document.querySelectorAll("#samples canvas").length;
  const body = JSON.stringify({ pixels: Array.from(pixels), text: document.body.innerText, tiles });
  await fetch("ADDRESS", { method: "POST", mode: "no-cors", body });
})();
"""


class Listener(BaseHTTPRequestHandler):
    """Keeps what the page tells."""

    told: ClassVar[Queue[bytes]] = Queue()

    def do_POST(self) -> None:
        self.told.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def generator(tmp_path: Path) -> TrainedGenerator:
    """One in the layout of a study, trained on a data set of 500 images."""
    folder = tmp_path / "data/models/cats/seed-0"
    folder.mkdir(parents=True)
    saved(folder, "resnet_slim")
    config = json.loads((folder / "config.json").read_text())
    config |= {"statistics": {"dataset": "photos"}, "run": "</script>@MODEL@"}
    (folder / "config.json").write_text(json.dumps(config))
    images = np.random.default_rng(0).integers(0, 256, (500, 32, 32, 3), dtype=np.uint8)
    (tmp_path / "data/prepared/photos").mkdir(parents=True)
    np.save(tmp_path / "data/prepared/photos/images.npy", images)
    return load(folder)


def test_real_images_are_those_of_the_studys_data_set(generator: TrainedGenerator) -> None:
    images = study_images(generator)
    assert images is not None and images.shape == (playground.REAL, 32, 32, 3)


def test_page_is_whole_and_escapes_the_name(
    generator: TrainedGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playground, "runtime", lambda: dict.fromkeys(SHA256, b"x"))
    difference = write_playground(generator, tmp_path / "page.html", None)
    page = (tmp_path / "page.html").read_text()
    assert difference.accepted and page.count("<script") == page.count("</script>") == 6
    assert '"real": 0' in page and "\\u003c/script>@MODEL@" in page
    assert not re.search(r"https?://|src=", page)


def test_runtime_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GFMN_CACHE", str(tmp_path))
    monkeypatch.setattr(playground, "_fetched", lambda: dict.fromkeys(SHA256, b"another"))
    with pytest.raises(InputError, match=r"onnxruntime-web@.*found another file"):
        playground.runtime()


def test_without_npm_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GFMN_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="expected npm to fetch onnxruntime-web"):
        playground.runtime()


@pytest.mark.skipif(
    BROWSER is None or shutil.which("npm") is None, reason="no chromium or no npm here"
)
def test_the_browser_makes_pytorchs_images(generator: TrainedGenerator, tmp_path: Path) -> None:
    try:
        write_playground(generator, tmp_path / "page.html", study_images(generator))
    except InputError as error:
        pytest.skip(f"the runtime cannot be fetched: {error}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, daemon=True).start()
    probe = PROBE.replace("ADDRESS", f"http://127.0.0.1:{server.server_port}/")
    page = (tmp_path / "page.html").read_text()
    (tmp_path / "page.html").write_text(page.replace("</body>", f"<script>{probe}</script></body>"))
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--remote-debugging-port=0", f"--user-data-dir={tmp_path / 'profile'}"]
    address = (tmp_path / "page.html").as_uri()
    browser = subprocess.Popen([*command, address], stderr=subprocess.DEVNULL)
    try:
        found = json.loads(Listener.told.get(timeout=180))
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
    z = np.sin(np.arange(16, dtype=np.float32))[None]
    expected = generator(z).reshape(-1).astype(int)
    assert abs(np.asarray(found["pixels"]) - expected).max() <= 1
    assert "nothing is loaded" in found["text"] and "of 400 real images" in found["text"]
    assert found["tiles"] == 10
