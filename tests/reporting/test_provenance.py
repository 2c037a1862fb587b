"""The page's end: what compares with the paper, parameters, the provenance of every input."""

import json
from pathlib import Path

from builders.synthetic_report import CONFIG, PageReader, finished_report, make_report
from builders.synthetic_study import spaces

from gfmn.reporting.page.facts import parameter_table, provenance
from gfmn.reporting.reading import read_study


def test_networks_and_held_out_images_are_named() -> None:
    texts = PageReader(finished_report().page).texts
    for fact in ("cd" * 32, "0e" * 32, "antialiased bilinear to 64 px", "manifold.k"):
        assert fact in texts
    assert "the other half" in texts and "5,000 against 5,001" in texts


def test_trained_extractor_is_named_with_its_metrics(tmp_path: Path) -> None:
    path = tmp_path / "reports/metrics/extractor-faces.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"accuracy": 0.8962, "held_out": 5000}))
    texts = set(PageReader(make_report(tmp_path).page).texts)
    assert {"Trained here", "faces", "0.8962", "5,000"} <= texts


def test_sampling_is_named(tmp_path: Path) -> None:
    sampling = {"count": 5000, "seed": 0, "batchnorm": "running"}
    study = read_study(tmp_path, CONFIG, **spaces(), sampling=sampling)
    facts = {kind: facts for kind, _, facts in provenance(study)}
    assert facts["Samples"] == {
        "count": "5,000",
        "seed": "0",
        "batchnorm": "running",
    }


def test_parameter_that_only_some_runs_have_is_a_column(tmp_path: Path) -> None:
    sections = spaces()
    sections["runs"]["ma64"] |= {"ma": {"rate": 0.05}}
    table = parameter_table(read_study(tmp_path, CONFIG, **sections))
    assert list(table.loc[["ma64", "vgg16"], "ma.rate"]) == ["0.05", ""]
    assert "latent" not in table  # which all have
