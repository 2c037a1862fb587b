"""Downloads: resumed, verified, and one line where they fail. The server is this process's own."""

import hashlib
import http.server
import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial as partial_call
from pathlib import Path
from typing import Any

import pytest

from gfmn.common.errors import InputError
from gfmn.weights import TimmWeights, WebFile, fetch

WHERE = "params.yaml: extractors.fetched.tiny.source"
DATA = bytes(range(256)) * 40  # 10,240 bytes
HASH = hashlib.sha256(DATA).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves `data` and notes the ranges that are asked for; see the fields for its faults."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.data = DATA
        self.ranges: list[str | None] = []
        self.cuts: list[int] = []  # bytes after which each of the next answers breaks off
        self.takes_ranges = True
        self.says_length = True
        self.status = 200
        self.heads: list[str] = []  # paths of HEAD requests

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/some/tiny%20net-1.pth?download=1"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        """What the hub's client wants to know of a file."""
        server = self.server
        assert isinstance(server, Server)
        server.heads.append(self.path)
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.data)))
        self.send_header("ETag", f'"{hashlib.sha256(server.data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        asked = self.headers["Range"]
        server.ranges.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(asked[6:-1]) if asked and server.takes_ranges else 0
        if start and start >= len(server.data):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.data[start:]
        self.send_response(206 if start else 200)
        if start:
            end = len(server.data)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if server.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        # Otherwise it looks only twice a second whether it shall end.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def source(url: str, sha256: str = HASH, **changes: Any) -> WebFile:
    facts = {"kind": "url", "url": url, "sha256": sha256, "licence": "BSD", **changes}
    return WebFile.parse(facts, WHERE)


def partial(folder: Path) -> Path:
    return folder / f"{HASH[:16]}-tiny_net-1.pth.partial"


def line(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_download_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    data, provenance = fetch(source(server.url), WHERE, downloads=folder)
    assert data == DATA and not folder.exists()
    assert provenance == {"kind": "url", "url": server.url, "sha256": HASH, "licence": "BSD"}


@pytest.mark.parametrize("says_length", [True, False])
def test_a_body_that_is_cut_is_resumed_where_it_broke_off(
    says_length: bool, server: Server, tmp_path: Path
) -> None:
    server.cuts, server.says_length = [5000, 1000], says_length
    if says_length:
        assert fetch(source(server.url), WHERE, downloads=tmp_path / "d")[0] == DATA
        assert server.ranges == [None, "bytes=5000-", "bytes=6000-"]
    else:  # nothing tells that it was cut, but the hash
        assert HASH in line(fetch, source(server.url), WHERE, downloads=tmp_path / "d")


def test_what_an_interrupted_run_left_is_where_the_next_one_goes_on(
    server: Server, tmp_path: Path
) -> None:
    server.cuts = [4000, 0, 0, 0]
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
    for part in (WHERE, server.url, HASH, "4000 of 10240 bytes", "tiny.source.path"):
        assert part in message
    assert [path.name for path in tmp_path.iterdir()] == [partial(tmp_path).name]
    assert partial(tmp_path).read_bytes() == DATA[:4000]
    server.ranges.clear()
    assert fetch(source(server.url), WHERE, downloads=tmp_path)[0] == DATA
    assert server.ranges == ["bytes=4000-"]


def test_a_server_that_cannot_resume_begins_anew(server: Server, tmp_path: Path) -> None:
    server.takes_ranges = False
    partial(tmp_path).write_bytes(DATA[:300])
    assert fetch(source(server.url), WHERE, downloads=tmp_path)[0] == DATA
    assert server.ranges == ["bytes=300-"]


@pytest.mark.parametrize(
    ("left", "ranges"),
    [
        (DATA, ["bytes=10240-"]),  # whole already: nothing is left to ask for
        (b"another beginning", ["bytes=17-", None]),
        (DATA + b"more", ["bytes=10244-", None]),
        (b"x" * len(DATA), ["bytes=10240-", None]),
    ],
)
def test_a_partial_file_is_kept_only_if_it_is_the_beginning_of_the_pinned_one(
    left: bytes, ranges: list[str | None], server: Server, tmp_path: Path
) -> None:
    partial(tmp_path).write_bytes(left)
    assert fetch(source(server.url), WHERE, downloads=tmp_path)[0] == DATA
    assert server.ranges == ranges


def test_a_wrong_hash_names_both_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    server.data = DATA + b"!"
    found = hashlib.sha256(server.data).hexdigest()
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path / "d")
    for part in (WHERE, server.url, HASH, found, "10241 bytes", "tiny.source.path"):
        assert part in message
    assert not (tmp_path / "d").exists()
    assert len(server.ranges) == 1  # another attempt would find the same


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (403, 1), (503, 3), (429, 3)])
def test_a_refusal_names_its_status_and_is_asked_again_only_if_it_may_pass(
    status: int, attempts: int, server: Server, tmp_path: Path
) -> None:
    server.status = status
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
    for part in (WHERE, server.url, HASH, f"HTTP status {status}", "tiny.source.path"):
        assert part in message
    assert len(server.ranges) == attempts


def test_no_network_is_one_line_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{free.getsockname()[1]}/tiny.pth"
        message = line(fetch, source(url), WHERE, downloads=tmp_path / "d")
    for part in (WHERE, url, HASH, "refused", "tiny.source.path takes a local copy of tiny.pth"):
        assert part in message


def test_a_file_url_is_read_and_a_missing_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny.pth"
    message = line(fetch, source(path.as_uri()), WHERE, downloads=tmp_path / "d")
    assert path.as_uri() in message and "No such file" in message
    path.write_bytes(DATA)
    assert fetch(source(path.as_uri()), WHERE, downloads=tmp_path / "d")[0] == DATA


def test_a_local_copy_needs_no_server_and_has_the_same_provenance(tmp_path: Path) -> None:
    path, url = tmp_path / "tiny.pth", "https://example.invalid/tiny.pth"
    local = source(url, path=str(path))
    assert f"{WHERE}.path: {path}: expected a copy of {url}" in line(fetch, local, WHERE)
    path.write_bytes(DATA)
    assert fetch(local, WHERE) == (DATA, source(url).provenance)
    path.write_bytes(DATA[1:])
    assert HASH in line(fetch, local, WHERE)


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "d").write_text("no folder")
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path / "d")
    assert message.startswith(WHERE) and re.search("exists|directory", message)


def test_the_hubs_own_client_delivers_what_is_pinned(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    hub = pytest.importorskip("huggingface_hub")
    here = partial_call(hub.hf_hub_download, endpoint=f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(hub, "hf_hub_download", here)
    facts = {"kind": "timm", "sha256": HASH, "licence": "x", "revision": "0" * 40}
    pinned, model = TimmWeights.parse(facts, WHERE), "timm:resnet18.a1_in1k"
    assert fetch(pinned, WHERE, model, tmp_path / "d")[0] == DATA
    file = f"/timm/resnet18.a1_in1k/resolve/{'0' * 40}/model.safetensors"
    assert set(server.heads) == {file} and not (tmp_path / "d").exists()
    server.data = DATA + b"!"
    found = hashlib.sha256(server.data).hexdigest()
    message = line(fetch, pinned, WHERE, model, tmp_path / "d")
    assert HASH in message and found in message
    server.status = 404
    message = line(fetch, pinned, WHERE, model, tmp_path / "d")
    for part in (WHERE, "timm/resnet18.a1_in1k/model.safetensors", HASH, "404", "source.path"):
        assert part in message
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("url", ["ftp://a/b", "b.pth", "http://a/b c", "file://host/b", "http://"])
def test_only_urls_of_web_and_disk_are_sources(url: str) -> None:
    assert line(source, url).startswith(f"{WHERE}.url: ")
