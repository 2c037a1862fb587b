"""The YAML of a model card: every score is the study's, under its own name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.extractor_files import line
from builders.recorded_run import RUN, copied_study, values
from ruamel.yaml import YAML

from gfmn.inference.front_matter import front_matter
from gfmn.inference.run_record import read_run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return copied_study(tmp_path / "study")


def fields(study: Path, seed: int | None = None, license: str = "apache-2.0") -> dict[str, Any]:
    return dict(YAML(typ="safe").load(front_matter(read_run(study, RUN, seed), license)))


def metrics(study: Path, seed: int | None = None) -> dict[str, dict[str, Any]]:
    """The metrics of the model index by the score's name."""
    (model,) = fields(study, seed)["model-index"]
    every = [metric for result in model["results"] for metric in result["metrics"]]
    return {metric["name"].split(":")[0]: metric for metric in every}


@pytest.mark.parametrize(
    ("evaluator", "key"),
    [("lite2", "fd_lite2_5k"), ("lite2", "precision_lite2_5k"), ("own", "kd_own_5k")],
)
def test_index_has_means_over_seeds(study: Path, evaluator: str, key: str) -> None:
    each = values(study, evaluator, key)
    metric = metrics(study)[key]
    assert metric["value"] == pytest.approx(np.mean(each))
    arguments = metric["args"]
    assert arguments["std"] == pytest.approx(np.std(each, ddof=1))
    assert arguments["std_over"] == "3 seeds" and arguments["seeds"] == [0, 1, 2]
    assert arguments["evaluator"] == evaluator and arguments["n_generated"] == 5000


def test_index_of_one_seed_has_its_own_scores(study: Path) -> None:
    metric = metrics(study, 1)["fd_lite2_5k"]
    assert metric["value"] == values(study, "lite2", "fd_lite2_5k")[1]
    assert metric["args"]["seeds"] == [1]


def test_only_fids_own_inception_gives_fid(study: Path, tmp_path: Path) -> None:
    found = metrics(study)
    assert {metric["type"] for metric in found.values()}.isdisjoint({"fid", "is", "kid"})
    assert not any("fid_" in key for key in found)
    folder = copied_study(tmp_path / "canonical", canonical=True)
    metric = metrics(folder)["fid_5k"]
    assert metric["type"] == "fid"
    assert metric["value"] == pytest.approx(np.mean(values(folder, "inception", "fid_5k")))


def test_license_data_set_and_tags(study: Path) -> None:
    found = fields(study, license="cc-by-4.0")
    assert found["license"] == "cc-by-4.0" and found["datasets"] == ["photos"]
    assert found["pipeline_tag"] == "unconditional-image-generation"
    assert {"gfmn", "dcgan", "arxiv:1904.02762"} <= set(found["tags"])


def test_license_that_is_no_spdx_identifier_is_refused(study: Path) -> None:
    record = read_run(study, RUN)
    assert "license: expected an SPDX identifier, found 'a b'" in line(front_matter, record, "a b")
