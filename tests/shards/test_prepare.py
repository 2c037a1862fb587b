"""Data sets prepared in shards: local and remote files, resumed at a file, by processes."""

import json
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.image_sources import IMAGES, LABELS, png
from builders.tar_shards import samples, tarred, write_tars

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.shards import dataset
from gfmn.shards import prepare as shards
from gfmn.shards.dataset import ShardedDataset

OUT, SCRATCH = Path("prepared"), Path("scratch")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def prepare(**parameters: Any) -> ShardedDataset:
    about = {"source": "webdataset", "path": "w", "image_size": 8, "workers": 0, "shards": True}
    config = sources.parse({**about, **parameters}, "datasets.x")
    assert isinstance(config, sources.ShardedSource)
    shards.prepare(config, "x", OUT, SCRATCH)
    return dataset.read(OUT)


def refusal(**parameters: Any) -> str:
    with pytest.raises(InputError) as error:
        prepare(**parameters)
    line = str(error.value)
    assert "\n" not in line and line.startswith("datasets.x")
    return line


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_shards_have_the_images_labels_and_description_of_one_array() -> None:
    write_tars(Path("w"), IMAGES, LABELS, 12)
    data = prepare(flips=True)
    one = sources.parse({"source": "webdataset", "path": "w", "image_size": 8, "flips": True}, "x")
    meta = sources.prepare(one, "x", Path("one"))
    opened = [shard.verified() for shard in data.shards]
    assert (np.concatenate([one.images for one in opened]) == np.load("one/images.npy")).all()
    labels = [one.labels for one in opened if one.labels is not None]
    assert np.concatenate(labels).tolist() == np.load("one/labels.npy").tolist()
    assert [shard.name for shard in data.shards] == [f"train-00000{i}.tar" for i in range(3)]
    assert [shard.count for shard in data.shards] == [24, 24, 12]
    own = {key: value for key, value in data.metadata.items() if key not in ("shards", "digest")}
    assert own.pop("mean") == pytest.approx(meta.pop("mean"), abs=2e-6)
    assert own.pop("std") == pytest.approx(meta.pop("std"), abs=2e-6)
    assert own == {key: value for key, value in meta.items() if key != "digest"}
    assert not (SCRATCH / "prepare-x").exists()


def test_parquet_files_and_several_processes_make_the_same_shards() -> None:
    Path("p").mkdir()
    for i in range(3):
        part = slice(10 * i, 10 * i + 10)
        table = pa.table({"image": [png(one) for one in IMAGES[part]], "label": LABELS[part]})
        pq.write_table(table, f"p/{i}.parquet")
    alone = prepare(source="parquet", path="p", classes=list("abcde"))
    assert (alone.shards[1].verified().images == IMAGES[10:20]).all()
    first = content(OUT)
    prepare(source="parquet", path="p", classes=list("abcde"), workers=2)
    assert content(OUT) == first and len(first) == 3 * 3 + 1


@pytest.mark.parametrize("changed", [False, True])
def test_stopped_preparation_resumes_at_its_shard_and_sees_changed_files(
    monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    write_tars(Path("w"), IMAGES, LABELS, 8)
    prepare()
    whole, asked, real = content(OUT), list[str](), sources.prepare
    (OUT / "meta.json").unlink()

    def stopping(config: Any, *rest: Any, **options: Any) -> Any:
        asked.append(Path(config.path).name[-5:-4])
        if asked == ["0", "1", "2"]:
            raise KeyboardInterrupt
        return real(config, *rest, **options)

    monkeypatch.setattr(sources, "prepare", stopping)
    with pytest.raises(KeyboardInterrupt):
        prepare()
    assert not (OUT / "meta.json").exists()
    if changed:
        Path("w/train-000000.tar").write_bytes(tarred(samples(IMAGES[::-1][:8], LABELS[:8])))
    prepare()
    assert "".join(asked) == ("012023" if changed else "01223")
    assert (content(OUT) == whole) != changed


@pytest.mark.parametrize("path", ["", "/*.tar", "/train-{000000..000002}.tar"])
def test_remote_files_are_fetched_one_at_a_time(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tars(Path("w"), IMAGES, LABELS, 10)
    system = fsspec.filesystem("memory")
    system.put("w/", "/bucket", recursive=True)
    prepare()
    local, most, real = content(OUT), list[int](), sources.prepare

    def counting(*words: Any, **options: Any) -> Any:
        most.append(len(list(SCRATCH.rglob("*.tar"))))
        return real(*words, **options)

    monkeypatch.setattr(sources, "prepare", counting)
    prepare(path=f"memory://bucket{path}")
    found = content(OUT)
    assert most == [1, 1, 1] and not list(SCRATCH.rglob("*.tar"))
    whole = [json.loads(files.pop("meta.json")) for files in (local, found)]
    assert whole[0] | {"path": whole[1]["path"]} == whole[1] and found == local
    system.rm("/bucket", recursive=True)


def test_files_on_s3_make_the_same_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.server import ThreadedMotoServer

    write_tars(Path("w"), IMAGES, LABELS, 10)
    digest = prepare().metadata["digest"]
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    system.mkdir("bucket")
    system.put("w/", "bucket/train/", recursive=True)
    assert prepare(path="s3://bucket/train/*.tar").metadata["digest"] == digest
    line = refusal(path="s3://bucket/none-{0..1}.tar")
    assert line.startswith("datasets.x: s3://bucket/none-0.tar: expected a file that can be read")
    server.stop()


def test_what_shards_cannot_be_is_one_line() -> None:
    write_tars(Path("w"), IMAGES, LABELS, 10)
    Path("w/train-000003.tar").write_bytes(Path("w/train-000001.tar").read_bytes())
    line = "datasets.x: train-000003.tar: expected other images than in train-000001.tar"
    assert refusal() == line
    Path("w/train-000003.tar").write_bytes(tarred(samples(IMAGES[:1], [1])))
    assert refusal().endswith("train-000003.tar: expected at least 2 images, found 1")
    Path("w/train-000003.tar").write_bytes(tarred(samples(IMAGES[:2])))
    assert refusal().endswith(
        "train-000003.tar: expected labels True as in train-000000.tar, found False"
    )
    Path("w/train-000003.tar").write_bytes(tarred(samples(IMAGES[:2], [0, 1]))[:900])
    assert refusal().startswith(
        "datasets.x: train-000003.tar: after member 000000.json: expected a tar"
    )
    broken = {"a.png": b"x", "a.cls": b"1"}
    Path("w/train-000003.tar").write_bytes(tarred(broken))
    assert "train-000003.tar: a: expected an image, found: none of PNG" in refusal(workers=2)
    assert refusal(broken="skip").endswith("expected images from the source, found none")


def test_what_a_url_cannot_be_is_one_line() -> None:
    for path in ("memory://none/a.tar", "file:///none/{1..2}.tar"):
        assert "expected a file that can be read, found: " in refusal(path=path)
    assert refusal(path="memory://none/*.tar").endswith(
        "expected one or many tar archives, found nothing"
    )
    for path in ("git://x:y@host/a.tar", "simplecache::s3://bucket/a.tar"):
        assert "expected one of s3, gs, az, abfs, https, http, file, memory, found " in refusal(
            path=path
        )
    assert "y@" not in refusal(path="git://x:y@host/a.tar")


def test_missing_package_of_a_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    assert refusal(path="s3://bucket/a.tar").endswith("the package for s3: pip install 'gfmn[s3]'")
