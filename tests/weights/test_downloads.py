"""Downloads: whole and verified or one line. The server is this process's own."""

import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders.file_server import FileServer, file_server
from builders.input_errors import line

from gfmn.weights.config import WebFile
from gfmn.weights.downloads import download, file_name, without_secrets
from gfmn.weights.fetching import fetch

WHERE = "params.yaml: extractors.fetched.tiny.source"
DATA = bytes(range(256)) * 40  # 10,240 bytes
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with file_server(DATA, monkeypatch) as server:
        yield server


def source(url: str, sha256: str = HASH, **changes: Any) -> WebFile:
    facts = {"kind": "url", "url": url, "sha256": sha256, "license": "BSD", **changes}
    return WebFile.parse(facts, WHERE)


def test_download_leaves_no_file_and_no_secret(server: FileServer, tmp_path: Path) -> None:
    data, provenance = fetch(source(server.url), WHERE, downloads=tmp_path / "d")
    assert data == DATA and not list((tmp_path / "d").iterdir())
    url = server.url.partition("?")[0]
    assert provenance == {"kind": "url", "url": url, "sha256": HASH, "license": "BSD"}


def test_download_into_a_link_to_another_disk_is_kept(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "downloads").symlink_to(tmp_path / "disk")
    for _ in range(2):
        data, _ = fetch(source(server.url), WHERE, downloads=tmp_path / "downloads")
        assert data == DATA and not [*(tmp_path / "disk").iterdir()]


@pytest.mark.parametrize("states_length", [True, False])
def test_download_cut_short_is_repeated_or_refused(
    states_length: bool, server: FileServer, tmp_path: Path
) -> None:
    server.cuts, server.states_length = [5000, 1000], states_length
    if states_length:
        assert fetch(source(server.url), WHERE, downloads=tmp_path)[0] == DATA
        assert len(server.gets) == 3
    else:  # nothing tells that it was cut, but the hash
        message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
        assert HASH in message and hashlib.sha256(DATA[:5000]).hexdigest() in message
    assert not list(tmp_path.iterdir())


def test_download_cut_short_three_times_is_one_line(server: FileServer, tmp_path: Path) -> None:
    server.cuts = [4000, 0, 4000]
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
    for part in (WHERE, server.url.partition("?")[0], HASH, "4000", "6240", "tiny.source.path"):
        assert part in message
    assert "secret" not in message and not list(tmp_path.iterdir())


def test_download_replaces_what_a_killed_one_left(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / f"{HASH[:16]}-tiny_net-1.pth.partial").write_bytes(b"another beginning")
    assert fetch(source(server.url), WHERE, downloads=tmp_path)[0] == DATA
    assert not list(tmp_path.iterdir())


def test_download_folder_may_be_a_link(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "d").symlink_to(tmp_path / "disk")
    assert fetch(source(server.url), WHERE, downloads=tmp_path / "d")[0] == DATA
    assert (tmp_path / "d").is_symlink()


def test_download_of_another_hash_names_both(server: FileServer, tmp_path: Path) -> None:
    server.data = DATA + b"!"
    found = hashlib.sha256(server.data).hexdigest()
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
    for part in (WHERE, "tiny%20net-1.pth", HASH, found, "10241 bytes", "tiny.source.path"):
        assert part in message
    assert "secret" not in message and not list(tmp_path.iterdir())
    assert len(server.gets) == 1  # another attempt would find the same


def test_download_takes_the_beginning_of_a_hash(server: FileServer, tmp_path: Path) -> None:
    assert download(server.url, HASH[:8], tmp_path, WHERE) == DATA
    assert "that begins with 00000000" in line(download, server.url, "0" * 8, tmp_path, WHERE)


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (403, 1), (503, 3), (429, 3)])
def test_download_refused_names_status_and_retries_only_passing_ones(
    status: int, attempts: int, server: FileServer, tmp_path: Path
) -> None:
    server.status = status
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path)
    for part in (WHERE, "tiny%20net-1.pth", HASH, f"HTTP status {status}", "tiny.source.path"):
        assert part in message
    assert len(server.gets) == attempts and "secret" not in message


def test_download_without_network_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{free.getsockname()[1]}/tiny.pth"
        message = line(fetch, source(f"{url}?token=secret"), WHERE, downloads=tmp_path)
    for part in (WHERE, url, HASH, "refused", "tiny.source.path takes a local copy of tiny.pth"):
        assert part in message
    assert "secret" not in message


def test_file_url_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    path = tmp_path / "tiny net.pth"
    message = line(fetch, source(path.as_uri()), WHERE, downloads=tmp_path / "d")
    assert path.as_uri() in message and "No such file" in message
    path.write_bytes(DATA)
    assert fetch(source(path.as_uri()), WHERE, downloads=tmp_path / "d")[0] == DATA
    assert path.read_bytes() == DATA and not (tmp_path / "d").exists()


def test_local_copy_needs_no_server_and_has_the_same_provenance(tmp_path: Path) -> None:
    path, url = tmp_path / "tiny.pth", "https://example.invalid/tiny.pth"
    local = source(url, path=str(path))
    assert f"{WHERE}.path: {path}: expected a copy of {url}" in line(fetch, local, WHERE)
    path.write_bytes(DATA)
    assert fetch(local, WHERE) == (DATA, source(url).provenance)
    path.write_bytes(DATA[1:])
    assert HASH in line(fetch, local, WHERE)


def test_folder_that_cannot_be_written_is_one_line(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "d").write_text("no folder")
    message = line(fetch, source(server.url), WHERE, downloads=tmp_path / "d")
    assert message.startswith(WHERE) and re.search("exists|directory", message)


def test_file_names_and_shown_urls_are_safe() -> None:
    assert file_name("https://a/b/..%2F..%2Fetc%2Fpass%20wd?x=1") == "pass_wd"
    assert file_name("https://a/") == "file"
    assert without_secrets("https://me:pw@a.b:1/c%20d?token=1#x") == "https://a.b:1/c%20d"
