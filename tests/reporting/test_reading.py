"""Results that cannot be read are one line that says why; so is a run that was not made."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_study import CONFIG, folder_of, spaces

from gfmn.common.errors import InputError
from gfmn.reporting.markdown import markdown
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables import make_table

FILE = "data/scores/running-lite2.parquet"


def read(folder: Path) -> Study:
    return read_study(folder, CONFIG, **spaces())


@pytest.fixture(scope="module")
def whole() -> Path:
    return folder_of(False)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (FILE, "{", "expected parquet"),
        ("data/models/vgg16/seed-1/config.json", '{"run": 3}', "config.json"),
        ("reports/history/vgg16/seed-1.tsv", "step\timages\tlr\n1\t2\t3\n", "'loss'"),
        ("reports/history/vgg16/seed-1.tsv", "", "expected a table"),
        ("data/timings/train-vgg16.json", "no", "expected JSON"),
    ],
)
def test_a_malformed_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    message = str(caught.value)
    assert name in message and said in message and "\n" not in message


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (["run"], "vgg16", r"\$\.run: expected 'running', found 'vgg16'"),
        (["evaluator"], "own", r"\$\.evaluator: expected 'lite2', found 'own'"),
        (["dataset"], "faces", r"\$\.dataset: expected 'photos', found 'faces'"),
        (["seeds"], [], r"\$\.seeds: expected the scores of at least one seed"),
        (["seeds", 0, "seed"], 7, r"\$\.seeds\.0\.seed: expected one of 0, 1, 2, found 7"),
        (["seeds", 1, "seed"], 0, r"\$\.seeds\.1\.seed: expected one of 1, 2, found 0"),
        (["seeds", 0, "scores", "fid_5k"], {"value": 9.0}, "not FID's|space is another"),
        (["seeds", 0, "scores", "kd_lite2_5k", "over"], None, "kd_lite2_5k.over: expected what"),
        (["seeds", 0, "scores", "fd_lite2_5k", "value"], None, r"scores\.fd_lite2_5k\.value: "),
        (["n_generated"], "5k", r"\$\.n_generated: "),
        (["seeds", 0, "nearest", "pixel", "held_out"], [1.0], "expected 101 percentiles, found 1"),
        (
            ["seeds", 0, "classes"],
            {"names": ["a"], "real": [0.5, 0.5], "generated": [1.0, 0.0]},
            "expected as many shares as names, found 2, 2, 1",
        ),
        (["resizer"], "nearest", r"\$\.resizer: expected 'antialiased bilinear to 64 px', as in"),
        (["evaluator_digest"], "00", r"\$\.evaluator_digest: expected '(cd)+', as in .*, found"),
    ],
)
def test_scores_that_cannot_stand_beside_others_are_refused(
    whole: Path, tmp_path: Path, keys: list[Any], value: Any, said: str
) -> None:
    record = read_record(whole / FILE)
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    shutil.copytree(whole / "data/scores", tmp_path / "data/scores")
    write_record(tmp_path / FILE, record)
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path)
    assert FILE in str(caught.value) and "\n" not in str(caught.value)


def test_a_seeds_model_in_anothers_folder_is_refused(whole: Path, tmp_path: Path) -> None:
    place = tmp_path / "data/models/running/seed-1"
    shutil.copytree(whole / "data/models/running/seed-2", place)
    with pytest.raises(
        InputError, match=r"config\.json: \$\.parameters\.seed: expected 1, found 2"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("section", "name", "value", "said"),
    [
        ("runs", "vgg16", {"dataset": "photos", "seed": 1}, r"runs\.vgg16\.seeds: expected a list"),
        ("runs", "vgg16", [], r"runs\.vgg16: expected a mapping"),
        ("evaluations", "a", {"run": "vg16", "dataset": "p", "evaluator": "e"}, "'vgg16'"),
        ("evaluations", "a", {"run": "vgg16"}, r"evaluations\.a\.dataset: required"),
        ("references", "a", {"dataset": "photos"}, r"references\.a\.evaluator: required"),
    ],
)
def test_sections_that_name_no_result_are_refused(
    tmp_path: Path, section: str, name: str, value: Any, said: str
) -> None:
    sections = spaces()
    sections[section][name] = value
    with pytest.raises(InputError, match=said):
        read_study(tmp_path, CONFIG, **sections)


EXTRACTORS = {
    "fetched": {"vgg16": {}, "lite0": {}},
    "trained": {"encoder": {"dataset": "crops"}},
    "bundled": {"vgg16_lite0": {"first": "vgg16", "second": "lite0"}},
}


def status(folder: Path, run: str, **changes: Any) -> str:
    sections = spaces()
    sections["runs"][run] |= changes
    evaluators = {"borrowed": {"own": {"extractor": "encoder"}}}
    study = read_study(folder, CONFIG, **sections, extractors=EXTRACTORS, evaluators=evaluators)
    return study.runs[run].status


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")


def test_a_run_that_was_not_made_names_what_is_missing_in_the_pipelines_order(
    tmp_path: Path,
) -> None:
    both = "not run: data set photos is not prepared, extractor vgg16 is not there"
    assert status(tmp_path, "taps3") == both
    touch(tmp_path, "data/prepared/photos/meta.json", "data/extractors/vgg16.safetensors")
    assert status(tmp_path, "taps3") == "not run"
    needs = "not run: statistics photos-vgg16-batch are not there"
    assert status(tmp_path, "taps3", batchnorm="batch") == needs
    touch(tmp_path, "data/stats/photos-vgg16-batch.safetensors")
    assert status(tmp_path, "taps3", batchnorm="batch") == "not run"
    needs = "not run: decoder encoder is not there"
    assert status(tmp_path, "taps3", decoder="encoder") == needs


def test_of_a_bundle_the_missing_part_is_named_and_why_a_trained_one_is(tmp_path: Path) -> None:
    touch(tmp_path, "data/prepared/photos/meta.json", "data/extractors/vgg16.safetensors")
    assert status(tmp_path, "vgg16_lite0") == "not run: extractor lite0 is not there"
    touch(tmp_path, "data/extractors/lite0.safetensors")
    assert status(tmp_path, "vgg16_lite0") == "not run: extractor vgg16_lite0 is not there"
    why = "not run: extractor encoder is not there, for data set crops is not prepared"
    assert status(tmp_path, "encoder") == why
    touch(tmp_path, "data/prepared/crops/meta.json")
    assert status(tmp_path, "encoder") == "not run: extractor encoder is not there"


def test_a_run_that_was_not_scored_names_what_is_missing(tmp_path: Path) -> None:
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
    (tmp_path / "data/scores").mkdir()
    name = "data/scores/vgg16-lite2.parquet"
    shutil.copyfile(whole / name, tmp_path / name)
    assert status(tmp_path, "vgg16") == "scored in 1 of 2 spaces: samples are not there"


def test_rows_that_were_not_made_are_in_the_table_and_say_why(tmp_path: Path) -> None:
    study = read_study(tmp_path, CONFIG, **spaces())
    text = markdown(study, make_table(study, CONFIG.tables["table3"]), "t")
    assert (
        "| taps5 (not run: data set photos is not prepared, extractor vgg16 is not there) |" in text
    )
    assert "| paper: FID 5K |" in text and "| 53.8 |" in text
