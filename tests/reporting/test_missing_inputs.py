"""A run that was not trained or scored names the inputs that it lacks."""

import shutil
from pathlib import Path
from typing import Any

from builders.synthetic_report import CONFIG, scores_path
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.reading import read_study

EXTRACTORS = {
    "fetched": {"vgg16": {}, "lite0": {}},
    "trained": {"encoder": {"dataset": "crops"}},
    "with_batchnorm": {"vgg16_bn": {"extractor": "vgg16", "dataset": "photos"}},
    "combined": {"vgg16_lite0": {"networks": ["vgg16", "lite0"]}},
}
EVALUATORS = {"from_extractor": {"own": {"extractor": "encoder"}}}


def status(folder: Path, run: str, **changes: Any) -> str:
    sections = spaces()
    sections["runs"][run] |= changes
    study = read_study(folder, CONFIG, **sections, extractors=EXTRACTORS, evaluators=EVALUATORS)
    return study.runs[run].status


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def test_missing_inputs_are_named_in_the_pipelines_order(tmp_path: Path) -> None:
    both = "not run: data set photos is not prepared, extractor vgg16 is not there"
    assert status(tmp_path, "taps3") == both
    touch(tmp_path, "data/prepared/photos/meta.json", "data/extractors/vgg16.safetensors")
    assert status(tmp_path, "taps3") == "not run"
    missing = "not run: statistics photos-vgg16-batch are not there"
    assert status(tmp_path, "taps3", batchnorm="batch") == missing
    touch(tmp_path, "data/stats/photos-vgg16-batch.safetensors")
    assert status(tmp_path, "taps3", batchnorm="batch") == "not run"
    missing = "not run: decoder encoder is not there"
    assert status(tmp_path, "taps3", decoder="encoder") == missing


def test_missing_network_of_a_combined_extractor_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "data/prepared/photos/meta.json", "data/extractors/vgg16.safetensors")
    assert status(tmp_path, "vgg16_lite0") == "not run: extractor lite0 is not there"
    touch(tmp_path, "data/extractors/lite0.safetensors")
    assert status(tmp_path, "vgg16_lite0") == "not run: extractor vgg16_lite0 is not there"


def test_missing_data_set_of_a_trained_extractor_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "data/prepared/photos/meta.json")
    reason = "not run: extractor encoder is not there, for data set crops is not prepared"
    assert status(tmp_path, "encoder") == reason
    touch(tmp_path, "data/prepared/crops/meta.json")
    assert status(tmp_path, "encoder") == "not run: extractor encoder is not there"


def test_missing_network_that_is_given_batch_norm_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "data/prepared/photos/meta.json")
    reason = "not run: extractor vgg16_bn is not there, for extractor vgg16 is not there"
    assert status(tmp_path, "vgg16", extractor="vgg16_bn") == reason


def test_missing_inputs_of_scores_are_named(tmp_path: Path) -> None:
    whole = folder_of(False)
    for part in ("data/models/vgg16", "data/samples/vgg16", "data/prepared"):
        shutil.copytree(whole / part, tmp_path / part)
    touch(tmp_path, "data/prepared/crops/meta.json")
    reasons = "evaluator lite2 is not there, evaluator own is not there, for extractor encoder is"
    assert status(tmp_path, "vgg16") == f"trained, not scored: {reasons} not there"
    touch(tmp_path, "data/evaluators/lite2.safetensors", "data/evaluators/own.safetensors")
    references = ", ".join(f"reference photos-{name} is not there" for name in ("lite2", "own"))
    assert status(tmp_path, "vgg16") == f"trained, not scored: {references}"
    for name in ("lite2", "own"):
        (tmp_path / f"data/reference/photos-{name}").mkdir(parents=True)
    assert status(tmp_path, "vgg16") == "trained, not scored"
    shutil.rmtree(tmp_path / "data/samples")
    assert status(tmp_path, "vgg16") == "trained, not scored: samples are not there"
    scores = scores_path(tmp_path, "vgg16-lite2")
    scores.parent.mkdir(parents=True)
    shutil.copy(scores_path(whole, "vgg16-lite2"), scores)
    assert status(tmp_path, "vgg16") == "scored in 1 of 2 spaces: samples are not there"
