"""Parquet files in the layout of the Hugging Face hub."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.image_sources import IMAGES, LABELS, png, prepare, refusal


def table(part: slice, kind: str = "struct", hub: bool = True, **more: list[Any]) -> pa.Table:
    raw = [png(image) for image in IMAGES[part]]
    column = pa.array(raw, pa.large_binary() if kind == "large" else pa.binary())
    if kind == "struct":
        paths = pa.array([f"{i}.png" for i in range(len(raw))])
        column = pa.StructArray.from_arrays([column, paths], ["bytes", "path"])
    made = pa.table({"image": column, "label": LABELS[part], **more})
    names = {"names": ["a", "b", "c", "d", "e"], "_type": "ClassLabel"}
    about = {"info": {"features": {"label": names, "image": {"_type": "Image"}}}}
    return made.replace_schema_metadata({"huggingface": json.dumps(about)} if hub else None)


@pytest.mark.parametrize("kind", ["struct", "binary", "large"])
def test_parquet_reads_structs_and_plain_columns(tmp_path: Path, kind: str) -> None:
    pq.write_table(table(slice(None), kind), tmp_path / "a.parquet", row_group_size=7)
    data = prepare(tmp_path, source="parquet", path=str(tmp_path / "a.parquet"))
    assert (data.images == IMAGES).all()
    assert data.labels is not None and data.labels.tolist() == LABELS
    assert data.metadata["classes"] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("path", ["", "/*.parquet", "/**/train-*"])
def test_parquet_reads_many_files_in_name_order(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "hub"
    (folder / "data").mkdir(parents=True)
    place = folder if path == "/*.parquet" else folder / "data"
    for i in (2, 0, 1):
        part = table(slice(10 * i, 10 * i + 10))
        pq.write_table(part, place / f"train-{i:05}-of-00003.parquet")
    data = prepare(tmp_path, source="parquet", path=f"{folder}{path}")
    assert (data.images == IMAGES).all() and data.metadata["count"] == 30


def test_parquet_reads_the_named_columns(tmp_path: Path) -> None:
    second = [png(image) for image in IMAGES[::-1]]
    made = table(slice(None), "binary", hub=False, other=second, number=list(range(30)))
    pq.write_table(made, tmp_path / "a.parquet")
    parameters = {"source": "parquet", "path": str(tmp_path / "a.parquet")}
    data = prepare(tmp_path, **parameters, image="other", label="number")
    assert (data.images == IMAGES[::-1]).all() and data.metadata["classes"] is None
    assert data.labels is not None and data.labels.tolist() == list(range(30))
    assert prepare(tmp_path, **parameters, label=None).labels is None
    line = refusal(tmp_path, **parameters, image="pic")
    assert line.startswith("datasets.x.image") and "other (binary), number (int64)" in line
    assert "the column 'other' of integers" in refusal(tmp_path, **parameters, label="other")


@pytest.mark.parametrize("hub", [True, False])
def test_parquet_names_given_come_before_those_of_the_file(tmp_path: Path, hub: bool) -> None:
    pq.write_table(table(slice(None), hub=hub), tmp_path / "a.parquet")
    parameters = {"source": "parquet", "path": str(tmp_path / "a.parquet")}
    own = prepare(tmp_path, **parameters).metadata["classes"]
    assert own == (["a", "b", "c", "d", "e"] if hub else None)
    names = ["airplane", "automobile", "bird", "cat", "deer"]
    assert prepare(tmp_path, **parameters, classes=names).metadata["classes"] == names
    # LABELS begins 0, 2, 4: row 2 is the first that three names do not reach.
    line = refusal(tmp_path, **parameters, classes=names[:3])
    expected = "a.parquet: row 2: expected labels from 0 to 2, as there are 3 names, found 4"
    assert line == f"datasets.x.classes: {expected}"
    assert refusal(tmp_path, **parameters, label=None, classes=names).endswith("found none")


@pytest.mark.parametrize("names", [[], [""], ["cat", " "], ["cat", "dog", "cat"], ["cat", " cat"]])
def test_parquet_refuses_empty_and_repeated_names(tmp_path: Path, names: list[str]) -> None:
    line = refusal(tmp_path, source="parquet", path="unread", classes=names)
    assert line == (
        f"datasets.x.classes: expected at least one name, none empty and each once, found {names!r}"
    )


def test_parquet_refuses_names_that_are_no_text(tmp_path: Path) -> None:
    line = refusal(tmp_path, source="parquet", path="unread", classes=["cat", 1])
    assert line.startswith("datasets.x.classes.1: expected a valid string, found 1")


def test_parquet_refusals_name_what_was_found(tmp_path: Path) -> None:
    folder = str(tmp_path / "hub")
    assert "found nothing" in refusal(tmp_path, source="parquet", path=folder)
    Path(folder).mkdir()
    assert "none in this folder" in refusal(tmp_path, source="parquet", path=folder)
    pq.write_table(pa.table({"text": ["a"]}), f"{folder}/a.parquet")
    assert "found text (string)" in refusal(tmp_path, source="parquet", path=folder)
    pq.write_table(table(slice(5)).slice(0, 0), f"{folder}/a.parquet")
    assert "found 0 rows" in refusal(tmp_path, source="parquet", path=folder)
    pq.write_table(table(slice(5)), f"{folder}/a.parquet")
    pq.write_table(table(slice(5)).drop_columns("label"), f"{folder}/b.parquet")
    assert "b.parquet: expected the columns" in refusal(tmp_path, source="parquet", path=folder)
    whole = Path(f"{folder}/a.parquet").read_bytes()
    Path(f"{folder}/b.parquet").write_bytes(whole[:-20])
    assert "b.parquet: expected parquet" in refusal(tmp_path, source="parquet", path=folder)
    Path(f"{folder}/b.parquet").write_bytes(whole[:4] + b"\xff" * 300 + whole[304:])
    assert "b.parquet: " in refusal(tmp_path, source="parquet", path=folder)


def test_parquet_null_is_a_broken_image(tmp_path: Path) -> None:
    made = pa.table({"image": pa.array([png(IMAGES[0]), None, png(IMAGES[1])])})
    pq.write_table(made, tmp_path / "a.parquet")
    parameters = {"source": "parquet", "path": str(tmp_path / "a.parquet")}
    assert "a.parquet: row 1: expected an image" in refusal(tmp_path, **parameters)
    data = prepare(tmp_path, **parameters, broken="skip")
    assert (data.images == IMAGES[:2]).all()


def test_parquet_merges_the_classes_of_many_files_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    names = [["blue", "green", "red"], ["red", "gray", "blue"]]
    for i, own in enumerate(names):
        column = {"image": [png(image) for image in IMAGES[3 * i : 3 * i + 3]], "label": [0, 1, 2]}
        about = {"info": {"features": {"label": {"names": own}}}}
        made = pa.table(column).replace_schema_metadata({"huggingface": json.dumps(about)})
        pq.write_table(made, folder / f"{i}.parquet")
    data = prepare(tmp_path, source="parquet", path=str(folder))
    classes = data.metadata["classes"]
    assert classes == ["blue", "green", "red", "gray"] and data.labels is not None
    assert [classes[label] for label in data.labels] == [*names[0], *names[1]]
    pq.write_table(made.replace_schema_metadata(None), folder / "2.parquet")
    line = refusal(tmp_path, source="parquet", path=str(folder))
    assert line.endswith("2.parquet: expected names of classes as in 0.parquet, found no names")


@pytest.mark.parametrize("label", [-7, 10**12, 2**64 - 1, 5])
def test_parquet_refuses_a_label_out_of_range(tmp_path: Path, label: int) -> None:
    labels = pa.array([0, label, 1], pa.uint64() if label > 2**63 else pa.int64())
    made = table(slice(3)).set_column(1, "label", labels)
    pq.write_table(made, tmp_path / "a.parquet")
    line = refusal(tmp_path, source="parquet", path=str(tmp_path / "a.parquet"))
    assert line.endswith(f"a.parquet: row 1: expected labels from 0 to 4, found {label}")


@pytest.mark.parametrize("labels", [["a", "b", "c"], [0.0, 1.0, 2.0], [True, False, True]])
def test_parquet_refuses_labels_that_are_no_integers(tmp_path: Path, labels: list[Any]) -> None:
    made = table(slice(3), hub=False).set_column(1, "label", pa.array(labels))
    pq.write_table(made, tmp_path / "a.parquet")
    path = {"source": "parquet", "path": str(tmp_path / "a.parquet")}
    assert "a.parquet: expected integers in the column 'label'" in refusal(tmp_path, **path)
    assert prepare(tmp_path, **path, label=None).labels is None


def test_parquet_refuses_a_column_that_stands_twice(tmp_path: Path) -> None:
    once = table(slice(3), hub=False)
    pq.write_table(once.append_column("label", once.column("label")), tmp_path / "a.parquet")
    line = refusal(tmp_path, source="parquet", path=str(tmp_path / "a.parquet"))
    assert "expected the column 'label' once" in line
