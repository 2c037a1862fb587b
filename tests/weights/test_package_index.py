"""Where archives are looked for: pip's settings, indexes' pages, folders."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.file_server import FileServer, file_server
from builders.package_archives import package, page, pip_settings

from gfmn.weights import package_index
from gfmn.weights.package_index import Link, find_archives, links, request_options

HASH = "ab" * 32
SOURCE = package("sdist", b"", package="Tiny_Net", package_sha256=HASH)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with file_server(b"", monkeypatch) as server:
        yield server


def test_pip_settings_come_from_files_and_then_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_settings(monkeypatch, extra_index_url="https://b/simple https://c/simple")
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = https://a/simple\nextra-index-url = https://x/simple\n"
        "cert = /a.pem\n[download]\ncert = /b.pem\n[install]\nproxy = http://p\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    settings = package_index.pip_settings()
    expected = {"index-url": "https://a/simple", "cert": "/b.pem"}
    expected |= {"extra-index-url": "https://b/simple https://c/simple"}
    assert {key: settings.get(key) for key in expected} == expected and "proxy" not in settings
    assert request_options(settings) == {"verify": "/b.pem"}
    assert request_options({"proxy": "p", "client-cert": "c"}) == {
        "cert": "c",
        "proxies": {"http": "p", "https": "p"},
    }


def test_links_of_a_page_are_absolute_and_have_their_hashes(server: FileServer) -> None:
    page_url = f"{server.root}/simple/tiny-net/"
    targets = {"../../files/a.whl": HASH, "https://other.invalid/b%2B1.zip": None, "/c.tar.gz": ""}
    server.files = {"/simple/tiny-net/": page(targets)}
    assert links(page_url, {}) == [
        Link(f"{server.root}/files/a.whl", HASH),
        Link("https://other.invalid/b%2B1.zip", None),
        Link(f"{server.root}/c.tar.gz", None),
    ]
    assert server.gets == ["/simple/tiny-net/"]


def test_login_of_an_index_goes_to_its_own_host_alone(server: FileServer) -> None:
    server.files = {"/simple/tiny-net/": page({f"{server.root}/a": None, "https://b/a": None})}
    host = server.root.removeprefix("http://")
    found = links(f"http://me:pw@{host}/simple/tiny-net/", {})
    assert [link.url for link in found] == [f"http://me:pw@{host}/a", "https://b/a"]
    assert server.logins == ["Basic bWU6cHc="]


def test_links_of_a_folder_are_its_page_or_its_files(tmp_path: Path) -> None:
    (tmp_path / "a b.whl").write_bytes(b"")
    expected = [Link(f"{tmp_path.as_uri()}/a%20b.whl", None)]
    assert links(str(tmp_path), {}) == links(tmp_path.as_uri(), {}) == expected
    (tmp_path / "index.html").write_bytes(page({"../files/c.whl": HASH}))
    expected = [Link(f"{tmp_path.parent.as_uri()}/files/c.whl", HASH)]
    assert links(str(tmp_path), {}) == links(f"{tmp_path.as_uri()}/", {}) == expected


@pytest.mark.parametrize(
    ("kind", "version", "names"),
    [
        ("sdist", "1.0", ["tiny_net-1.0.tar.gz", "Tiny.Net-1.0.zip", "tiny-net-1.0.tar.bz2"]),
        ("wheel", "1.0", ["tiny_net-1.0-py3-none-any.whl", "Tiny_Net-1.0-1-cp311-cp311-any.whl"]),
        ("wheel", "1.0+cpu", ["tiny_net-1.0%2Bcpu-py3-none-any.whl"]),
    ],
)
def test_archives_are_told_by_their_names(
    kind: str, version: str, names: list[str], server: FileServer
) -> None:
    other = [
        "tiny_net-1.0.tar.gz.asc",
        "tiny_net-1.0.1.tar.gz",
        "tiny-1.0.zip",
        "x-tiny-net-1.0.zip",
    ]
    other += ["tiny_net-1.1-py3-none-any.whl", "tiny-net_1.0_py3.whl", "tiny_net.whl", "?a"]
    server.files = {"/tiny-net/": page(dict.fromkeys([*names, *other]))}
    source = SOURCE.model_copy(update={"kind": kind, "version": version})
    archives, missing = find_archives(source, {"index-url": server.root})
    assert [link.url for link in archives] == [f"{server.root}/tiny-net/{n}" for n in names]
    assert not missing


def test_archives_come_from_every_place_and_the_pinned_hash_first(
    server: FileServer, tmp_path: Path
) -> None:
    server.files = {
        "/a/tiny-net/": page({"tiny_net-1.0.tar.gz": "0" * 64}),
        "/b/tiny-net/": page({"tiny_net-1.0.tar.gz": HASH}),
        "/c/tiny-net/": page({}),
    }
    (tmp_path / "tiny-net-1.0.zip").write_bytes(b"")
    settings = {
        "index-url": f"{server.root}/a",
        "extra-index-url": f"{server.root}/b/ {server.root}/c\n{server.root}/d",
        "find-links": f"{tmp_path} {tmp_path / 'none'}",
    }
    archives, missing = find_archives(SOURCE, settings)
    assert [link.sha256 for link in archives] == [HASH, "0" * 64, None]
    assert missing == [
        f"{server.root}/c/tiny-net/",
        f"{server.root}/d/tiny-net/ (HTTP status 404)",
        f"{tmp_path / 'none'} (No such file or directory)",
    ]
    archives, missing = find_archives(SOURCE, {**settings, "no-index": "1"})
    assert [link.sha256 for link in archives] == [None] and len(missing) == 1


def test_default_index_is_pips(monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[str] = []
    monkeypatch.setattr(package_index, "links", lambda place, _: places.append(place) or [])
    find_archives(SOURCE, {})
    assert places == ["https://pypi.org/simple/tiny-net/"]
