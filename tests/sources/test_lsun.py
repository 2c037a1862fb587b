"""LSUN in LMDB folders: order, and damaged files."""

from pathlib import Path

import lmdb
import pytest
from builders.image_sources import IMAGES, png, prepare, refusal


def write_lmdb(folder: Path, count: int = 30) -> None:
    with (
        lmdb.open(str(folder), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for i in reversed(range(count)):
            transaction.put(b"%040x" % i, png(IMAGES[i]))
    (folder / "lock.mdb").unlink()


def test_lsun_is_read_in_key_order_and_not_changed(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "kitchen_val_lmdb")
    parameters = {"source": "lsun", "category": "kitchen", "split": "val"}
    data = prepare(tmp_path, **parameters, path=str(tmp_path / "kitchen_val_lmdb"))
    assert (data.images == IMAGES).all() and data.labels is None
    assert [path.name for path in (tmp_path / "kitchen_val_lmdb").iterdir()] == ["data.mdb"]


def test_lsun_missing_folder_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = refusal(tmp_path, source="lsun")
    assert "data/downloads/lsun/bedroom_train_lmdb" in line and "put it there" in line


@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage", "no images"])
def test_lsun_damaged_file_is_one_line(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "bedroom_train_lmdb"
    write_lmdb(folder, 0 if damage == "no images" else 30)
    data = folder / "data.mdb"
    whole = data.read_bytes()
    if damage != "no images":
        cut = {"empty": b"", "truncated": whole[:-4096], "garbage": b"x" * len(whole)}
        data.write_bytes(cut[damage])
    line = refusal(tmp_path, source="lsun", path=str(folder))
    assert "expected the LMDB folder" in line
