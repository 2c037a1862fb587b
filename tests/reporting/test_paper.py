"""The paper's published scores, and their sources."""

from gfmn.reporting.paper import paper_tables, paper_title


def test_paper_scores_are_the_published_ones() -> None:
    published = paper_tables()
    assert [len(published[name]) for name in ("table2", "table3", "table4")] == [6, 9, 15]
    best = published["table2"][5].cifar10
    assert (best.is_, best.fid5k, best.fid50k) == ((8.27, 0.09), 18.1, 13.5)
    assert [row.layers for row in published["table3"]] == [1, 3, 5, 7, 9, 11, 13, 15, 16]
    assert published["table3"][0].cifar10.fid5k == 118.6
    assert published["table3"][8].cifar10 == published["table2"][3].cifar10  # VGG19, all layers
    real = published["table4"][0]
    assert real.stl10 is not None and (real.cifar10.fid5k, real.stl10.is_) == (7.8, (26.08, 0.26))
    assert published["table4"][10].cifar10.fid5k is None  # GAN-DFM reports no FID


def test_table_4_has_a_table_for_each_data_set() -> None:
    tables = paper_tables()
    cifar10, stl10 = tables["table4_cifar10"], tables["table4_stl10"]
    assert cifar10 == tables["table4"]
    assert [row.label for row in stl10] == [
        *("Real data", "GFMN, VGG + ResNet", "GFMN, VGG + ResNet (ResNet G)", "WGAN-GP", "SN-GANs")
    ]
    assert [row.on("stl10").fid5k for row in stl10] == [8.08, 34.2, 31.6, 55.1, 43.2]  # type: ignore[union-attr]
    assert (paper_title("table2"), paper_title("table4_stl10")) == ("Table 2", "Table 4, STL-10")


def test_each_row_of_table_4_has_its_source() -> None:
    rows = paper_tables()["table4_cifar10"]
    sources = {row.label: row.source for row in rows}
    assert sources["GMMN"] == sources["MMD GAN"] == "Li et al., NIPS 2017 [22]"
    assert sources["SN-GANs"] == sources["WGAN-GP"] == "Miyato et al., ICLR 2018 [29]"
    assert sources["WGAN-GP (ResNet G)"] == "Gulrajani et al., NIPS 2017 [13]"
    assert sources["GFMN, VGG + ResNet"] == sources["Real data"] == "dos Santos et al., ICCV 2019"
    assert [row.reference for row in rows] == [
        *(None, 22, 22, None, None, 22, 3, 29, 29, 35, 41, 35, 38, 30, 13)
    ]
