"""Downloads: each failure is one line that says what to put where."""

from pathlib import Path

import pytest
from builders.downloads import (
    CIFAR10,
    CLOSED,
    STL10,
    make_cifar10,
    make_stl10,
    refusal,
)


@pytest.mark.parametrize("source", ["cifar10", "stl10"])
def test_download_without_network_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    cls = CIFAR10 if source == "cifar10" else STL10
    monkeypatch.setattr(cls, "url", f"{CLOSED}/{cls.filename}")
    line = refusal(tmp_path, source=source)
    assert f"expected {cls.filename} (md5 {cls.tgz_md5}) from {CLOSED}/" in line
    assert "refused" in line and line.endswith(f"put it in {tmp_path / 'root'}")


@pytest.mark.parametrize("source", ["cifar10", "stl10"])
def test_download_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path], source: str
) -> None:
    cls, make = (CIFAR10, make_cifar10) if source == "cifar10" else (STL10, make_stl10)
    archive = make(server[1], monkeypatch, server[0])
    archive.write_bytes(archive.read_bytes()[:-50])
    line = refusal(tmp_path, source=source)
    assert cls.tgz_md5 in line and "corrupted" in line
    archive.unlink()
    assert "404" in refusal(tmp_path, source=source)
