"""The stages of scores: what they read, and the files that they write."""

import json
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import pytest
import reference
from builders.extractor_files import line, record
from builders.score_files import read_record

from gfmn import sources
from gfmn.common import paths, stage
from gfmn.networks.extractor_file import save_extractor

COUNT = 120


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of digits, an evaluator with random weights, and samples of three seeds."""
    monkeypatch.chdir(tmp_path)
    row = {"source": "digits", "image_size": 32, "count": COUNT}
    sources.prepare(sources.parse(row, "digits"), "digits", paths.prepared("digits"))
    save_extractor(paths.evaluator("net"), [record("net")])
    paths.samples("a").mkdir(parents=True)
    for seed in (10, 2, 0):
        images = np.random.default_rng(seed).integers(0, 256, (60, 32, 32, 3), np.uint8)
        np.save(paths.samples("a", seed), images)
    write_params(tmp_path)
    return tmp_path


def write_params(folder: Path, **sections: Any) -> None:
    pair = {"dataset": "digits", "evaluator": "net"}
    params = {
        "references": {"digits-net": {**pair, "held_out": "digits"}},
        "evaluations": {"a-net": {**pair, "run": "a"}},
        **sections,
    }
    (folder / "params.yaml").write_text(json.dumps(params))
    sampling = {"count": 60, "seed": 5, "batchnorm": "batch"}  # as check-params writes it
    stage.write_json(folder / paths.parameters("sampling/a"), sampling)


def test_evaluate_scores_every_seed_that_has_samples(study: Path) -> None:
    reference.main("digits-net")
    evaluate.main("a-net")
    scores = read_record(paths.scores("a-net"))
    assert [seed["seed"] for seed in scores["seeds"]] == [0, 2, 10]
    assert (scores["run"], scores["n_generated"], scores["n_reference"]) == ("a", 60, COUNT)
    assert scores["sampling"] == {"count": 60, "seed": 5, "batchnorm": "batch"}
    assert scores["settings"]["splits"] == 10  # no section `metrics`: the defaults
    values = [seed["scores"]["fd_net_60"]["value"] for seed in scores["seeds"]]
    means = json.loads(paths.metrics("a-net").read_text())
    assert means["fd_net_60"] == pytest.approx(np.mean(values), rel=1e-5)
    pictures = {path.name for path in paths.neighbors("a-net").iterdir()}
    assert pictures == {f"seed-{k}-{s}.png" for k in (0, 2, 10) for s in ("pixel", "feature")}
    real = read_record(paths.scores("reference-digits-net"))
    assert real["run"] is None and real["held_out"]["how"] == "the other half"
    assert [seed["seed"] for seed in real["seeds"]] == [None]


def test_evaluate_writes_the_same_bytes_again(study: Path) -> None:
    reference.main("digits-net")
    files = [paths.scores("reference-digits-net"), paths.scores("a-net")]
    evaluate.main("a-net")
    before = [path.read_bytes() for path in files]
    reference.main("digits-net")
    evaluate.main("a-net")
    assert [path.read_bytes() for path in files] == before


def test_evaluate_with_other_settings_than_the_references_is_a_one_line_error(study: Path) -> None:
    reference.main("digits-net")
    write_params(study, metrics={"splits": 5})
    assert "expected settings {'counts': [5000, 50000], 'splits': 5" in line(evaluate.main, "a-net")


def test_sample_files_without_samples_is_a_one_line_error(study: Path) -> None:
    message = line(paths.sample_files, "b")
    assert message == "data/samples/b: expected samples seed-<k>.npy, found none"
