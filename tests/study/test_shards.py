"""Where a data set in shards may be named, and where all its images are needed."""

from builders.input_errors import line
from builders.project import ROOT
from ruamel.yaml import YAML

from gfmn.study import check


def test_data_sets_in_shards_are_for_statistics_and_runs_alone() -> None:
    text = (ROOT / "tests/builders/study.yaml").read_text()
    params = YAML(typ="safe").load(text)
    params["datasets"]["big"] = {
        "source": "webdataset",
        "path": "s3://b/{0..9}.tar",
        "shards": True,
    }
    params["statistics"]["big-vgg16-eval"] = {"dataset": "big", "extractor": "vgg16"}
    params["runs"]["large"] = {**params["runs"]["vgg16"], "dataset": "big"}
    assert "large" in check(params, "params.yaml").runs
    rows = (
        (params["references"]["photos-lite2"], "held_out", "references.photos-lite2.held_out"),
        (
            params["extractors"]["trained"]["encoder"],
            "dataset",
            "extractors.trained.encoder.dataset",
        ),
        (params["extractors"]["with_batchnorm"]["vgg16_bn"], "dataset", "vgg16_bn.dataset"),
    )
    for row, key, path in rows:
        row[key] = "big"
        expected = (
            f"{path}: expected a data set without shards, which statistics and runs take alone"
        )
        assert expected in line(check, params, "params.yaml")
        row[key] = "photos"
