"""Tar archives in the layout of WebDataset."""

import io
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pytest
from builders.image_sources import IMAGES, LABELS, png, prepare, refusal
from builders.tar_shards import tarred, write_tars

ONE = png(IMAGES[0])


@pytest.mark.parametrize("path", ["", "/train-*.tar", "/train-{000000..000002}.tar"])
def test_webdataset_reads_images_and_labels_in_their_order(tmp_path: Path, path: str) -> None:
    write_tars(tmp_path / "w", IMAGES, LABELS, 10)
    data = prepare(tmp_path, source="webdataset", path=f"{tmp_path}/w{path}")
    assert (data.images == IMAGES).all() and data.metadata["count"] == 30
    assert data.labels is not None and data.labels.tolist() == LABELS
    assert "shards" not in data.metadata


def test_webdataset_reads_gzipped_archives_folders_and_named_members(tmp_path: Path) -> None:
    members: dict[str, bytes] = {}
    for i, image in enumerate(IMAGES[:4]):  # the same names in two folders are two samples
        members |= {f"{i % 2}/{i // 2}.seg.png": ONE, f"{i % 2}/{i // 2}.Left.PNG": png(image)}
        members |= {f"{i % 2}/{i // 2}.y": b" 3\n", f"{i % 2}/{i // 2}.cls": b"x"}
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tarred(members, "w:gz"))
    about = {"source": "webdataset", "path": str(path)}
    data = prepare(tmp_path, **about, image="left.png", label="y", classes=["a", "b", "c", "d"])
    assert (data.images == IMAGES[:4]).all()
    assert data.labels is not None and data.labels.tolist() == [3] * 4
    assert prepare(tmp_path, **about, image="left.png", label=None).labels is None


def test_webdataset_runs_no_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    class Payload:
        def __reduce__(self) -> Any:
            return Path.mkdir, (Path("executed"),)

    payload = pickle.dumps(Payload())
    outside = {"../../up.png": ONE, "/absolute.png": ONE}
    members = {"a.png": ONE, "a.pyd": payload, "a.pth": payload, "a.json": b"[" * 9**5, **outside}
    (tmp_path / "a.tar").write_bytes(tarred(members))
    data = prepare(tmp_path, source="webdataset", path="a.tar")
    assert len(data.images) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "prepared"]
    (tmp_path / "a.tar").write_bytes(tarred({"a.png": ONE, "a.cls": payload}))
    line = refusal(tmp_path, source="webdataset", path="a.tar")
    assert line.startswith("datasets.x.label: a.tar: a: expected an integer, found ")
    assert not (tmp_path / "executed").exists()


def with_header(**changes: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("b.png")
        for key, value in changes.items():
            setattr(entry, key, value)
        archive.addfile(entry)
    return buffer.getvalue()


TWO = tarred({"a.png": ONE, "b.png": ONE})


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "x.tar: expected a tar archive, found an empty file"),
        (b"<html>" + bytes(600), "x.tar: expected a tar archive, found an HTML page"),
        (ONE * 9, "x.tar: the first member: expected a tar archive, found: "),
        (TWO[:700], "x.tar: after member a.png: expected a tar archive, found: "),
        # Cut where a member ends, an archive looks whole but for the end's mark.
        (TWO[: 512 + 512 * -(-len(ONE) // 512)], "found: no end of the archive where one of its"),
        (TWO.replace(b"ustar", b"other"), "x.tar: the first member: expected a tar archive, found"),
        (
            with_header(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "b.png: expected a file, found",
        ),
        (
            with_header(type=tarfile.LNKTYPE, linkname="../a"),
            "b.png: expected a file, found a link",
        ),
        (with_header(type=tarfile.CHRTYPE), "b.png: expected a file, found a link or a device"),
        (
            with_header(size=1 << 40),
            "b.png: expected at most 67,108,864 bytes, found 1,099,511,627",
        ),
        (with_header(type=tarfile.XHDTYPE, size=1 << 32), "found: 4,294,967,296 bytes that"),
        (tarred({}), "x.tar: expected images, found an empty archive"),
        (tarred({"a.png": ONE, "a.jpg": ONE}), "x.tar: a: expected one image a sample, found png"),
        (tarred({"a.json": b""}), "x.tar: a: expected an image, found: no image in this sample"),
        (tarred({"a.png": ONE[:40]}), "x.tar: a: expected an image, found: "),
        (tarred({"a.png": ONE, "b.png": ONE, "b.cls": b"1"}), "a: expected a label as the others"),
    ],
)
def test_damaged_archive_is_one_line_that_names_it_and_the_member(
    tmp_path: Path, content: bytes, line: str
) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    assert line in refusal(tmp_path, source="webdataset", path=str(tmp_path / "x.tar"))


def test_missing_numbers_and_wrong_parameters_are_one_line(tmp_path: Path) -> None:
    write_tars(tmp_path / "w", IMAGES, None, 15)
    about = {"source": "webdataset", "path": f"{tmp_path}/w/train-{{000000..000001}}.tar"}
    assert prepare(tmp_path, **about).labels is None
    line = refusal(tmp_path, **about | {"path": about["path"].replace("01}", "02}")})
    assert line.endswith("train-000002.tar: expected a file, found nothing")
    line = refusal(tmp_path, **about | {"path": f"{tmp_path}/w/{{0..9}}{{0..99999}}.tar"})
    assert line == "datasets.x.path: expected at most 100,000 files, found more"
    assert refusal(tmp_path, **about, label="txt").startswith(
        "datasets.x.label: train-000000.tar: 0"
    )
    line = refusal(tmp_path, **about, shards=True, limit=3)
    assert line.startswith("datasets.x.limit: expected none with shards")
    line = refusal(tmp_path, source="webdataset", path="s3://bucket/a.tar")
    assert line == "datasets.x.shards: expected true, found false with a URL"
