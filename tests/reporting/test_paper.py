"""The paper's published scores, and their sources."""

from gfmn.reporting.paper import PAPER, paper_tables, paper_title


def test_paper_scores_are_the_published_ones() -> None:
    published = paper_tables()
    assert [len(published[name]) for name in ("table2", "table3", "table4")] == [6, 9, 15]
    keys = ("paper_is_mean", "paper_is_std", "paper_fid5k", "paper_fid50k")
    scores = {
        name: [[row[key] for key in keys] for row in rows] for name, rows in published.items()
    }
    assert scores["table2"][5] == [8.27, 0.09, 18.1, 13.5]
    assert [row["layers"] for row in published["table3"]] == [1, 3, 5, 7, 9, 11, 13, 15, 16]
    assert scores["table3"][0][2] == 118.6
    assert scores["table3"][8] == scores["table2"][3]  # VGG19, all layers
    assert scores["table4_stl10"][0][:2] == [26.08, 0.26] and scores["table4"][0][2] == 7.8
    assert scores["table4"][10][2] is None  # GAN-DFM reports no FID
    assert [row[2] for row in scores["table4_stl10"]] == [8.08, 34.2, 31.6, 55.1, 43.2]
    assert (paper_title("table2"), paper_title("table4_stl10")) == ("Table 2", "Table 4, STL-10")


def test_each_row_of_table_4_has_its_source() -> None:
    rows = paper_tables()["table4_cifar10"]
    sources = {row["paper_row"]: row["paper_source"] for row in rows}
    assert sources["GMMN"] == sources["MMD GAN"] == "Li et al., NIPS 2017 [22]"
    assert sources["SN-GANs"] == sources["WGAN-GP"] == "Miyato et al., ICLR 2018 [29]"
    assert sources["WGAN-GP (ResNet G)"] == "Gulrajani et al., NIPS 2017 [13]"
    assert sources["GFMN, VGG + ResNet"] == sources["Real data"] == PAPER
    numbers = [source.partition("[")[2].rstrip("]") for source in sources.values()]
    assert " ".join(filter(None, numbers)) == "22 22 22 3 29 29 35 41 35 38 30 13"
