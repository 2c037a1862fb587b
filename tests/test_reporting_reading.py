"""Results that cannot be read, or cannot stand beside the others, are one line that says why."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from synthetic_study import CONFIG, folder_of, spaces, write

from gfmn.errors import InputError
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study

FILE = "data/scores/running-lite2.json"


def read(folder: Path) -> Study:
    return read_study(folder, CONFIG, **spaces())


@pytest.fixture(scope="module")
def whole() -> Path:
    return folder_of(False)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (FILE, "{", "expected JSON"),
        (FILE, '{"run": "running"}', "required"),
        (FILE, "[]", "JSON object"),
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
        (["seeds", 0, "scores", "fd_lite2_5k"], 9.0, r"scores\.fd_lite2_5k: "),
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
    record = json.loads((whole / FILE).read_text())
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    shutil.copytree(whole / "data/scores", tmp_path / "data/scores")
    write(tmp_path / FILE, record)
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
