"""Rows of the paper that no run stands beside, and differences between ours and the paper's."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_study import CONFIG, REPORT, folder_of, parameters, spaces

from gfmn.common.errors import InputError
from gfmn.reporting.beside import places, same_data
from gfmn.reporting.display import display
from gfmn.reporting.markdown import markdown, write_tables
from gfmn.reporting.paper import paper_tables, paper_title
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig, Study, TableConfig, check_report
from gfmn.reporting.tables import Table, make_table

TABLE4 = TableConfig.parse(
    {
        "title": "The methods of the time",
        "paper": "table4_cifar10",
        "published": True,
        "rows": {"vgg16_lite0": {"paper": 4}, "vgg16": {"paper": 3}, "running": {"beyond": True}},
    },
    "tables.table4",
)


def renamed(data: Any, dataset: str) -> Any:
    return json.loads(json.dumps(data).replace("photos", dataset))


@cache
def study_on(dataset: str, canonical: bool = True) -> Study:
    """The synthetic study as if its images were another data set's."""
    folder = Path(f"{folder_of(canonical)}-{dataset}")
    for path in (folder_of(canonical) / "data/scores").glob("*.parquet"):
        name = path.name.replace("photos", dataset)
        write_record(folder / "data/scores" / name, renamed(read_record(path), dataset))
    return read_study(folder, CONFIG, **renamed(spaces(canonical), dataset))


def table4(dataset: str = "cifar10", canonical: bool = True, **changes: Any) -> Table:
    return make_table(study_on(dataset, canonical), TABLE4.model_copy(update=changes))


def test_table_4_is_two_tables_and_each_row_names_its_source() -> None:
    tables = paper_tables()
    cifar10, stl10 = tables["table4_cifar10"], tables["table4_stl10"]
    assert cifar10 == tables["table4"]
    assert [row.label for row in stl10] == [
        *("Real data", "GFMN, VGG + ResNet", "GFMN, VGG + ResNet (ResNet G)", "WGAN-GP", "SN-GANs")
    ]
    assert [row.on("stl10").fid5k for row in stl10] == [8.08, 34.2, 31.6, 55.1, 43.2]  # type: ignore[union-attr]
    sources = {row.label: row.source for row in cifar10}
    assert sources["GMMN"] == sources["MMD GAN"] == "Li et al., NIPS 2017 [22]"
    assert sources["SN-GANs"] == sources["WGAN-GP"] == "Miyato et al., ICLR 2018 [29]"
    assert sources["WGAN-GP (ResNet G)"] == "Gulrajani et al., NIPS 2017 [13]"
    assert sources["GFMN, VGG + ResNet"] == sources["Real data"] == "dos Santos et al., ICCV 2019"
    assert [row.reference for row in cifar10] == [
        *(None, 22, 22, None, None, 22, 3, 29, 29, 35, 41, 35, 38, 30, 13)
    ]
    assert (paper_title("table2"), paper_title("table4_stl10")) == ("Table 2", "Table 4, STL-10")


def test_published_rows_stand_in_the_papers_order_around_the_runs() -> None:
    frame = table4().frame
    assert list(frame["kind"][:6]) == ["real", "published", "published", "run", "run", "run"]
    assert list(frame["run"][:6].fillna("-")) == [
        *("Real data", "-", "-", "vgg16", "running", "vgg16_lite0")
    ]
    assert list(frame["paper_row"].dropna()) == [row.label for row in paper_tables()["table4"]]
    groups = frame["paper_group"].fillna("")
    assert set(groups[1:6]) == {"no adversarial training"} and groups[0] == ""
    alone = frame[frame["kind"] == "published"]
    ours = [c for c in frame if c not in ("kind", "status", "beyond") and "paper" not in c]
    assert alone[ours].isna().all(axis=None) and alone["paper_source"].notna().all()
    gan = alone.set_index("paper_row").loc["SN-GANs"]
    assert (gan["paper_is_mean"], gan["paper_is_std"], gan["paper_fid5k"]) == (7.58, 0.12, 25.5)
    assert pd.isna(gan["paper_fid50k"])


def test_a_table_of_the_other_data_set_has_its_figures() -> None:
    rows = TABLE4.rows | {"vgg16_lite0": TABLE4.rows["vgg16"].model_copy(update={"paper": 2})}
    rows["vgg16"] = rows["vgg16"].model_copy(update={"paper": 1})
    table = table4("stl10", paper="table4_stl10", rows=rows)
    frame = table.frame.set_index("paper_row")
    assert (frame.loc["Real data", "paper_fid50k"], frame.loc["SN-GANs", "paper_is_mean"]) == (
        4,
        8.79,
    )
    assert frame.loc["GFMN, VGG + ResNet", "paper_fid50k"] == 17.2
    assert "there STL-10, with" in markdown(study_on("stl10"), table, "t")


def test_published_rows_stay_typed_and_unmistakable_in_every_file(tmp_path: Path) -> None:
    study, table = study_on("cifar10"), table4()
    report = CONFIG.model_copy(update={"tables": {"table4": TABLE4}})
    object.__setattr__(study, "config", report)
    write_tables(study, {"table4": table}, tmp_path)
    frame = pd.read_parquet(tmp_path / "table4.parquet")
    pd.testing.assert_frame_equal(frame, table.frame)
    kinds = {"kind": "string", "place": "Int64", "difference_is": "Float64", "run": "string"}
    assert {key: str(frame[key].dtype) for key in kinds} == kinds
    csv = pd.read_csv(tmp_path / "table4.csv").astype(frame.dtypes.to_dict())
    pd.testing.assert_frame_equal(csv, frame)
    lines = (tmp_path / "table4.md").read_text().splitlines()
    assert any(line.startswith("| *no adversarial training* |") for line in lines)
    assert any(line.startswith("| *adversarial training, supervised* |") for line in lines)
    (row,) = (line for line in lines if "MoLM-1536" in line)
    assert row.startswith("| MoLM-1536 (published, Ravuri et al., ICML 2018 [35]) |")
    assert "constants from Table 4, CIFAR-10 of dos Santos et al., ICCV 2019" in lines[-1]


def test_differences_are_ours_minus_the_papers_in_inceptions_space() -> None:
    frame = table4().frame
    rows = frame[frame["kind"] != "published"].dropna(subset="paper_fid5k")
    assert set(rows["run"]) == {"Real data", "vgg16", "vgg16_lite0"}
    for _, row in rows.iterrows():
        assert row["difference_fid5k"] == pytest.approx(row["fid_5k"] - row["paper_fid5k"])
        assert row["difference_is"] == pytest.approx(row["is_5k"] - row["paper_is_mean"])
    assert frame["difference_fid50k"].isna().all()  # nothing of 50,000 is here
    assert frame.set_index("run").loc["running", "difference_fid5k"] is pd.NA
    text = markdown(study_on("cifar10"), table4(), "t")
    assert "Δ FID 5K" in text and "Δ FID 50K" not in text
    assert "FID of as many generated images, IS by is_5k" in text


def test_no_difference_is_given_in_another_space_or_of_other_images() -> None:
    for dataset, canonical in (("cifar10", False), ("faces", True)):
        table = table4(dataset, canonical)
        assert table.frame.filter(like="difference_").isna().all(axis=None)
        assert "Δ" not in markdown(study_on(dataset, canonical), table, "t")
        assert table.frame["place"].notna().sum() == 2  # an order compares in any space


def test_places_are_among_the_rows_that_both_have() -> None:
    frame = pd.DataFrame(
        {
            "run": pd.Series(["Real data", "a", "b", "c", "d", None], dtype="string"),
            "fd_x_5k": [1.0, 30.0, 20.0, 25.0, 9.0, None],
            "paper_fid5k": [0.5, 9.0, 5.0, 5.0, None, 7.0],
        }
    )
    found = pd.DataFrame(places(frame, "fd_x_5k")).loc[[1, 2, 3]]
    assert found.to_numpy().tolist() == [[3, 3, 3], [1, 1, 3], [2, 1, 3]]
    assert places(frame, "fd_x_5k")["place"].isna().sum() == 3
    assert all(one.isna().all() for one in places(frame[:2], "fd_x_5k").values())


def test_a_data_set_is_the_papers_by_its_source_or_its_name() -> None:
    study = study_on("cifar10")
    known = {"mine": {"source": "stl10"}, "cifar100": {"source": "parquet"}}
    other = Study(**{**vars(study), "datasets": known})
    assert same_data(other, "cifar10_test", "cifar10") and same_data(other, "mine", "stl10")
    assert not same_data(other, "mine", "cifar10") and not same_data(other, None, "cifar10")
    assert not same_data(other, "cifar100", "cifar10")


def test_the_best_of_a_papers_column_may_be_a_published_row() -> None:
    shown = display(table4())
    heads = [column.key for column in shown.columns]
    best = [
        shown.rows[i][0].text
        for i in range(len(shown.rows))
        if shown.rows[i][heads.index("paper_is_mean")].best
    ]
    assert best == ["WGAN-GP (ResNet G)"]  # 8.42; real data's 11.24 does not count
    named = [row[0].text for row in shown.rows]
    assert named[1] == "GMMN" and shown.rows[1][heads.index("paper_row")].text == ""
    assert shown.kinds[1] == "published" and shown.headings[1] == "no adversarial training"


def test_published_rows_alone_are_still_a_table(tmp_path: Path) -> None:
    study = read_study(tmp_path, CONFIG, parameters(), {}, {})
    for paper in ("table3", "table4_stl10"):
        table = make_table(study, TABLE4.model_copy(update={"rows": {}, "paper": paper}))
        assert set(table.frame["kind"]) == {"published"}
        assert len(table.frame) == len(paper_tables()[paper])
        text = markdown(study, table, "t")
        assert f"Rows marked as published are constants from {paper_title(paper)} of" in text
    assert "| Real data (published, dos Santos et al., ICCV 2019) |" in text


def test_published_without_a_table_of_the_papers_is_refused() -> None:
    tables = REPORT["tables"] | {"t": {"title": "t", "published": True, "rows": {}}}  # type: ignore[operator]
    config = ReportConfig.parse(REPORT | {"tables": tables}, "report")
    with pytest.raises(InputError, match=r"report\.tables\.t\.published: expected a table of the"):
        check_report(config, parameters(), "report")


def test_every_score_names_the_generator_that_made_its_images(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    (folder / "data/models/vgg16/seed-1/generator.safetensors").write_bytes(b"abc")
    study = read_study(folder, CONFIG, **spaces())
    write_tables(study, {}, tmp_path)
    frame = pd.read_parquet(tmp_path / "scores.parquet")
    row = frame[frame["run"] == "vgg16"].iloc[0]
    assert row["generator_digest"] == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert (row["taps"], row["features"], row["steps"], row["lr"]) == (13, 114688, 1200, 2e-4)
    assert (row["sampling_seed"], row["sampling_batchnorm"]) == (0, "running")
    assert (row["trained_on"], row["extractor"], row["architecture"]) == (
        "photos",
        "vgg16",
        "lite2",
    )
    real = frame[frame["run"] == "Real data"]
    assert real[["generator_digest", "extractor", "steps", "sampling_seed"]].isna().all(axis=None)
