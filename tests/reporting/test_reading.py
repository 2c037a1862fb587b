"""Results that cannot be read end as one line that says why."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_report import CONFIG, edit_scores, read_synthetic, remove, scores_path
from builders.synthetic_study import folder_of, spaces

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.reporting.findings import find
from gfmn.reporting.page.facts import costs
from gfmn.reporting.reading import read_study

NAME = "moment_matching-lite2"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data/models/vgg16/seed-1/config.json", '{"run": 3}', "config.json"),
        ("data/models/vgg16/seed-1/config.json", "[]", "JSON object"),
        ("reports/history/vgg16/seed-1.tsv", "step\timages\tlr\n1\t2\t3\n", "'loss'"),
        ("reports/history/vgg16/seed-1.tsv", "", "expected a table"),
        ("data/timings/train-vgg16.json", "no", "expected JSON"),
        (
            "data/models/vgg16/diverged.json",
            '{"1": "x"}',
            "expected a step by seed, found '1': 'x'",
        ),
    ],
)
def test_malformed_file_is_one_line_that_names_it(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read_synthetic(tmp_path)
    text = str(caught.value)
    assert name in text and message in text and "\n" not in text


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (["run"], "vgg16", r"\$\.run: expected 'moment_matching', found 'vgg16'"),
        (["evaluator"], "own", r"\$\.evaluator: expected 'lite2', found 'own'"),
        (["dataset"], "faces", r"\$\.dataset: expected 'photos', found 'faces'"),
        (["seeds"], [], r"\$\.seeds: expected the scores of at least one seed"),
        (["seeds", 0, "seed"], 7, r"\$\.seeds\.0\.seed: expected one of 0, 1, 2, found 7"),
        (["seeds", 1, "seed"], 0, r"\$\.seeds\.1\.seed: expected one of 1, 2, found 0"),
        (["seeds", 0, "scores", "fid_5k"], {"value": 9.0}, "not FID's|space is another"),
        (["seeds", 0, "scores", "kd_lite2_5k", "over"], None, "kd_lite2_5k: expected what its dev"),
        (
            ["seeds", 0, "nearest", "pixel", "held_out"],
            [1.0],
            r"held_out: Tuple should have at least 101 items",
        ),
        (
            ["seeds", 0, "classes"],
            {"names": ["a"], "real": [0.5, 0.5], "generated": [1.0, 0.0]},
            "expected as many shares as names, found",
        ),
        (["resizer"], "nearest", r"\$\.resizer: expected 'antialiased bilinear to 64 px', as in"),
        (["evaluator_digest"], "00", r"\$\.evaluator_digest: expected '(cd)+', as in .*, found"),
    ],
)
def test_scores_that_do_not_fit_the_study_are_refused(
    tmp_path: Path, keys: list[Any], value: Any, message: str
) -> None:
    shutil.copytree(folder_of(False) / "data/scores", tmp_path / "data/scores")

    def change(record: dict[str, Any]) -> None:
        inner = record
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    edit_scores(tmp_path, NAME, change)
    with pytest.raises(InputError, match=message) as caught:
        read_synthetic(tmp_path)
    assert str(scores_path(tmp_path, NAME)) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_of_a_seed_that_the_file_does_not_name_are_refused(tmp_path: Path) -> None:
    path = scores_path(tmp_path, NAME)
    shutil.copytree(folder_of(False) / "data/scores", path.parent)
    table = pq.read_table(path)
    rows = [row | {"seed": 9} for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    with pytest.raises(InputError, match=r"expected rows of exactly the seeds in the metadata"):
        read_synthetic(tmp_path)


def test_model_of_another_seed_is_refused(tmp_path: Path) -> None:
    models = "data/models/moment_matching"
    shutil.copytree(folder_of(False) / models / "seed-2", tmp_path / models / "seed-1")
    message = r"config\.json: \$\.parameters\.seed: expected 1, found 2"
    with pytest.raises(InputError, match=message):
        read_synthetic(tmp_path)


@pytest.mark.parametrize(
    ("section", "name", "value", "message"),
    [
        (
            "runs",
            "vgg16",
            {"dataset": "photos", "seeds": 1},
            r"runs\.vgg16\.seeds: expected a list",
        ),
        ("runs", "vgg16", [], r"runs\.vgg16: expected a mapping"),
        ("evaluations", "a", {"run": "vg16", "dataset": "p", "evaluator": "e"}, "'vgg16'"),
        ("evaluations", "a", {"run": "vgg16"}, r"evaluations\.a\.dataset: required"),
        ("references", "a", {"dataset": "photos"}, r"references\.a\.evaluator: required"),
    ],
)
def test_sections_that_name_no_result_are_refused(
    tmp_path: Path, section: str, name: str, value: Any, message: str
) -> None:
    sections = spaces()
    sections[section][name] = value
    with pytest.raises(InputError, match=message):
        read_study(tmp_path, CONFIG, **sections)


def test_run_needs_no_parameter_but_its_seeds(tmp_path: Path) -> None:
    runs = {"moment_matching": {"seeds": [0, 1]}}
    study = read_study(tmp_path, CONFIG, runs, {}, {}, sampling={"count": 5000})
    assert study.headline.status == "not run: data set None is not prepared"
    assert [result.seed for result in study.headline.seeds] == [0, 1]
    assert study.sampling == {"count": 5000}


def test_missing_seeds_are_counted_in_the_status(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    remove(folder, "moment_matching/seed-0*")
    edit_scores(folder, NAME, lambda record: record.update(seeds=record["seeds"][1:]))
    assert read_synthetic(folder).headline.status == "scored, 2 of 3 seeds"
    for evaluator in ("lite2", "own"):
        scores_path(folder, f"moment_matching-{evaluator}").unlink()
    assert read_synthetic(folder).headline.status == "2 of 3 seeds trained, not scored"


def test_diverged_seeds_are_named_and_counted(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    for run, steps in (("moment_matching", {"0": 1100}), ("taps3", {"1": 20, "4": 300})):
        (folder / paths.diverged(run)).write_text(json.dumps(steps))
    remove(folder, "moment_matching/seed-0*", "taps3/seed-*")
    edit_scores(folder, NAME, lambda record: record.update(seeds=record["seeds"][1:]))
    scores_path(folder, "taps3-lite2").unlink()
    study = read_synthetic(folder)
    status = "scored, 2 of 3 seeds: seed 0 diverged at step 1,100"
    assert study.runs["moment_matching"].status == status
    status = "no result: seed 1 diverged at step 20, seed 4 diverged at step 300"
    assert study.runs["taps3"].status == status
    shown = costs(study).T["moment_matching"]
    assert (shown["collapsed"], shown["diverged"]) == ("0 of 3 seeds", "1 of 3 seeds")
    finding = find(study, {})[0].text
    assert finding.startswith("moment_matching and taps3 diverged, which no score counts. ")
    assert "moment_matching: seed 0 of 3 at step 1,100; taps3: seed 1 of 2 at step 20" in finding
    assert "diverged" not in costs(read_synthetic(folder_of(False)))


def test_run_prefers_scores_against_its_own_data_set(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    record = read_record(scores_path(folder, NAME)) | {"dataset": "faces", "n_reference": 777}
    write_record(scores_path(folder, "moment_matching-faces"), record)
    sections = spaces()
    other = {"run": "moment_matching", "dataset": "faces", "evaluator": "lite2"}
    sections["evaluations"] = {"moment_matching-faces": other} | sections["evaluations"]
    scores = read_study(folder, CONFIG, **sections).headline.scores("lite2")
    assert scores and scores.dataset == "photos"
