"""The model card: every number is the study's, and none has a name that is not its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import synthetic_study
from builders.extractor_files import line, record
from ruamel.yaml import YAML

from gfmn import cli
from gfmn.inference.described import read_run
from gfmn.inference.model_card import model_card, write_card
from gfmn.networks.extractor_file import file_digest, save_extractor

PARTS = (
    "prepared",
    "scores",
    "timings",
    *(f"{kind}/moment_matching" for kind in ("models", "samples")),
)


def copied(to: Path, canonical: bool = False) -> Path:
    """A study's folder with the run `moment_matching` of three seeds; its own, to be changed."""
    source = synthetic_study.folder_of(canonical)
    for part in PARTS:
        shutil.copytree(source / "data" / part, to / "data" / part)
    write_params(to, canonical)
    return to


def write_params(folder: Path, canonical: bool = False, **fields: Any) -> None:
    sections = synthetic_study.spaces(canonical)
    sections["runs"]["moment_matching"] |= fields
    (folder / "params.yaml").write_text(json.dumps(sections))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return copied(tmp_path / "study")


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def values(folder: Path, space: str, key: str) -> list[float]:
    """A score of each seed as the file has it."""
    found = json.loads((folder / f"data/scores/moment_matching-{space}.json").read_text())
    return [seed["scores"][key]["value"] for seed in found["seeds"]]


def front(text: str) -> dict[str, Any]:
    _, head, _ = text.split("---\n", 2)
    return dict(YAML(typ="safe").load(head))


def metrics(text: str) -> dict[str, dict[str, Any]]:
    """The model index's metrics by the score's name."""
    (model,) = front(text)["model-index"]
    every = [metric for result in model["results"] for metric in result["metrics"]]
    return {metric["name"].split(":")[0]: metric for metric in every}


def test_the_index_has_the_means_over_seeds_with_all_that_they_are_of(study: Path) -> None:
    found = metrics(model_card(read_run(study, "moment_matching")))
    for space, key in (
        ("lite2", "fd_lite2_5k"),
        ("lite2", "precision_lite2_5k"),
        ("own", "kd_own_5k"),
    ):
        each = values(study, space, key)
        metric = found[key]
        assert metric["value"] == pytest.approx(np.mean(each))
        assert metric["args"]["std"] == pytest.approx(np.std(each, ddof=1))
        assert metric["args"]["std_over"] == "3 seeds" and metric["args"]["seeds"] == [0, 1, 2]
        assert metric["args"]["evaluator"] == space and metric["args"]["n_generated"] == 5000


def test_one_of_several_seeds_has_its_own_scores_and_the_means_beside_them(study: Path) -> None:
    text = model_card(read_run(study, "moment_matching", 1))
    each = values(study, "lite2", "fd_lite2_5k")
    metric = metrics(text)["fd_lite2_5k"]
    assert metric["value"] == each[1] and metric["args"]["seeds"] == [1]
    (row,) = [found for found in text.splitlines() if found.startswith("| `fd_lite2_5k`")]
    cells = [cell.strip() for cell in row.split("|")]
    assert (cells[2], cells[4]) == (f"{each[1]:.4g}", f"{np.mean(each):.4g}")
    assert "# moment_matching, seed 1\n" in text
    assert "Scores are of this one training; the means over all seeds stand beside them" in text


def test_nothing_is_called_fid_where_the_space_is_not_its_own(study: Path) -> None:
    text = model_card(read_run(study, "moment_matching"))
    assert {metric["type"] for metric in metrics(text).values()}.isdisjoint({"fid", "is", "kid"})
    assert "fid_" not in text and "none of them is an FID, an Inception Score or a KID" in text


def test_in_fids_own_inception_scores_have_their_names(tmp_path: Path) -> None:
    folder = copied(tmp_path / "study", canonical=True)
    text = model_card(read_run(folder, "moment_matching"))
    metric = metrics(text)["fid_5k"]
    assert metric["type"] == "fid"
    assert metric["value"] == pytest.approx(np.mean(values(folder, "inception", "fid_5k")))
    assert "### In the space of inception, FID's own Inception" in text
    assert "Scores in the space of `own` are not taken in" in text


def test_the_front_matter_names_licence_data_and_what_it_is(study: Path) -> None:
    found = front(model_card(read_run(study, "moment_matching"), "cc-by-4.0"))
    assert found["license"] == "cc-by-4.0" and found["datasets"] == ["photos"]
    assert found["pipeline_tag"] == "unconditional-image-generation"
    assert {"gfmn", "dcgan", "arxiv:1904.02762"} <= set(found["tags"])
    of = read_run(study, "moment_matching")
    assert "licence: expected an SPDX identifier, found 'a b'" in line(model_card, of, "a b")


def test_the_card_says_how_it_was_trained_and_what_real_images_have(study: Path) -> None:
    text = model_card(read_run(study, "moment_matching"))
    assert "| data | `photos`, 160 images, source `photographs` |" in text
    assert "| updates | 1,200, Adam at 0.0005 |" in text and "| seeds | 0, 1 and 2 |" in text
    assert "| duration | 4 min 0 s, all seeds |" in text
    assert "5,000 of `photos` (the other half) against 5,001" in text
    real = json.loads((study / "data/scores/reference-photos-lite2.json").read_text())
    expected = real["seeds"][0]["scores"]["precision_lite2_5k"]["value"]
    assert f"(`precision_lite2_5k`; other real images: {expected:.2%})" in text


def test_one_training_is_said_to_be_one(study: Path) -> None:
    path = study / "data/scores/moment_matching-lite2.json"
    change(path, seeds=json.loads(path.read_text())["seeds"][:1])
    (study / "data/scores/moment_matching-own.json").unlink()
    write_params(study, seeds=[0])
    text = model_card(read_run(study, "moment_matching"))
    assert "Scores are of one training: how far another seed would differ is not known" in text


def test_a_run_without_scores_has_a_card_without_an_index(study: Path) -> None:
    shutil.rmtree(study / "data/scores")
    text = model_card(read_run(study, "moment_matching"))
    assert "model-index" not in front(text) and "None was taken." in text
    assert "It was not scored" in text


def networks(folder: Path, *places: str, **provenance: Any) -> str:
    """One and the same small network as each of these files; returns their sha256."""
    arguments = {"image_size": 32, "latent": 128}
    for place in places:
        path = folder / f"data/{place}.safetensors"
        made = record(path.stem, provenance=provenance, arguments=arguments)
        save_extractor(path, [made])
    return file_digest(folder / f"data/{places[0]}.safetensors")


def name_extractor(folder: Path, digest: str) -> None:
    for path in (folder / "data/models/moment_matching").glob("*/config.json"):
        statistics = json.loads(path.read_text())["statistics"]
        change(path, statistics=statistics | {"extractor_digest": digest})


def test_weights_are_named_with_their_licence_and_source(study: Path) -> None:
    facts = {"licence": "BSD-3-Clause", "package": "some-weights", "version": "1.2"}
    digest = networks(study, "extractors/vgg16", **facts, sha256="ab" * 32)
    name_extractor(study, digest)
    text = model_card(read_run(study, "moment_matching"))
    row = f"| BSD-3-Clause | some-weights 1.2 | `{'ab' * 32}` |"
    assert row in text and f"| extractor's file | `{digest}` |" in text
    assert "not at hand" not in text and "The features of vgg16 were learned elsewhere" in text


def test_a_space_of_the_networks_own_features_is_said_to_flatter(study: Path) -> None:
    digest = networks(study, "extractors/vgg16", licence="MIT", sha256="ab" * 32)
    name_extractor(study, digest)
    for space in ("lite2", "own"):
        sha256 = "ab" * 32 if space == "own" else "cd" * 32
        other = networks(study, f"evaluators/{space}", licence="MIT", sha256=sha256)
        path = study / f"data/scores/moment_matching-{space}.json"
        change(path, evaluator_digest=other)
        change(study / f"data/scores/reference-photos-{space}.json", evaluator_digest=other)
    text = model_card(read_run(study, "moment_matching"))
    assert "features of the network that scores it as `own`" in text
    assert "features of the network that scores it as `lite2`" not in text


def test_inputs_that_are_no_longer_the_runs_are_refused(study: Path) -> None:
    found = networks(study, "extractors/vgg16", licence="MIT")
    name_extractor(study, "12" * 32)
    message = line(read_run, study, "moment_matching")
    assert f"vgg16.safetensors: expected the one of sha256 {'12' * 6}" in message
    assert f"found {found[:12]}" in message
    name_extractor(study, found)
    read_run(study, "moment_matching")
    networks(study, "evaluators/lite2", licence="MIT")
    assert "evaluators/lite2.safetensors: expected the one of" in line(
        read_run, study, "moment_matching"
    )


@pytest.mark.parametrize(
    ("run", "seed", "expected"),
    [
        (
            "moment_matchin",
            None,
            "params.yaml: runs: no 'moment_matchin'; did you mean 'moment_matching'?",
        ),
        ("moment_matching", 7, "seed: expected one of run 'moment_matching', 0, 1, 2, found 7"),
        ("vgg16", None, "seed-1/config.json: expected a trained run, found no file"),
    ],
)
def test_a_run_or_seed_that_is_not_there_is_refused(
    study: Path, run: str, seed: int | None, expected: str
) -> None:
    assert expected in line(read_run, study, run, seed)


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    assert "params.yaml: expected a study's parameters, found no file" in line(
        read_run, tmp_path, "moment_matching"
    )
    (tmp_path / "params.yaml").write_text("runs: {moment_matching: {}}")
    assert "params.yaml: evaluations: expected a mapping, found nothing" in line(
        read_run, tmp_path, "moment_matching"
    )


def test_the_command_writes_the_card_and_its_picture_and_overwrites_neither(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, picture = tmp_path / "card/CARD.md", tmp_path / "card/CARD-samples.png"
    words = ["card", "moment_matching", "--study", str(study), "--seed", "2", "--out", str(out)]
    cli.main(words)
    assert capsys.readouterr().out == f"{out}, {picture}\n"
    assert out.read_text() == model_card(
        read_run(study, "moment_matching", 2), picture=picture.name
    )
    samples = study / "data/samples/moment_matching/seed-2.png"
    assert picture.read_bytes() == samples.read_bytes() and "(CARD-samples.png)" in out.read_text()
    out.unlink()
    assert "CARD-samples.png: expected no file, found one" in line(
        write_card, out, study, "moment_matching", 2
    )
    assert not out.exists()
    cli.main([*words, "--force"])
    assert out.exists()
