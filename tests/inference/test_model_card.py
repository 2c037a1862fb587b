"""The text of a model card: what the study recorded, and what limits it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from builders.commands import gfmn, refused
from builders.extractor_files import line
from builders.recorded_run import (
    RUN,
    change,
    copied_study,
    real_scores_path,
    save_networks,
    scores_path,
    seed_scores,
    set_evaluator_digest,
    set_extractor_digest,
    values,
    write_params,
)

from gfmn.inference.model_card import model_card, score_rows, write_card
from gfmn.inference.run_record import read_run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return copied_study(tmp_path / "study")


def text(study: Path, seed: int | None = None, license: str = "apache-2.0") -> str:
    """The card with single spaces for its line breaks."""
    return " ".join(model_card(read_run(study, RUN, seed), license).split())


def test_parameters_and_real_scores_are_the_studys(study: Path) -> None:
    card = text(study)
    assert "| data | `photos`, 160 images, source `photographs` |" in card
    assert "| updates | 1,200, Adam at 0.0005 |" in card and "| seeds | 0, 1 and 2 |" in card
    assert "| duration | 4 min 0 s, all seeds |" in card
    assert "5,000 of `photos` (the other half) against 5,001" in card
    (lite2, _) = read_run(study, RUN).evaluators
    assert lite2.real and lite2.real.means.loc["precision_lite2_5k", "value"] == 0.8
    assert "(`precision_lite2_5k`; other real images: 80.00%)" in card


def test_card_of_one_seed_has_the_means_next_to_its_scores(study: Path) -> None:
    each = values(study, "lite2", "fd_lite2_5k")
    card = model_card(read_run(study, RUN, 1))
    (row,) = [found for found in card.splitlines() if found.startswith("| `fd_lite2_5k`")]
    cells = [cell.strip() for cell in row.split("|")]
    assert (cells[2], cells[4]) == (f"{each[1]:.4g}", f"{np.mean(each):.4g}")
    assert f"# {RUN}, seed 1\n" in card
    expected = "Scores are of this one training; the means over all seeds are given next to them"
    assert expected in text(study, 1)


def test_scores_of_other_networks_are_not_called_fid(study: Path) -> None:
    card = text(study)
    assert "fid_" not in card and "none of them is an FID, an Inception Score or a KID" in card


def test_scores_of_fids_inception_are_called_fid(tmp_path: Path) -> None:
    card = text(copied_study(tmp_path / "study", canonical=True))
    assert "### In the space of inception, FID's own Inception" in card and "| `fid_5k` |" in card
    assert "FID, IS and KID are computed with FID's own Inception." in card
    assert "Scores in the space of `own` are not computed with FID's Inception" in card


def test_one_training_is_called_one(study: Path) -> None:
    change(scores_path(study, "lite2"), seeds=seed_scores(study, "lite2")[:1])
    scores_path(study, "own").unlink()
    write_params(study, seeds=[0])
    assert "Scores are of one training: how much another seed would differ" in text(study)


def test_seeds_without_scores_are_counted(study: Path) -> None:
    change(scores_path(study, "own"), seeds=seed_scores(study, "own")[:2])
    assert "Trained seeds that not every evaluator has scored: 1." in text(study)
    assert "each of 2 trainings (seeds 0 and 1; scores are means over them)" in text(study)


def test_run_without_scores_has_a_card_without_an_index(study: Path) -> None:
    shutil.rmtree(study / "data/scores")
    card = text(study)
    assert "model-index" not in card and "The run has not been scored." in card
    assert "nothing is known about the quality of its images" in card


def test_network_is_named_with_license_and_source(study: Path) -> None:
    provenance = {"license": "BSD-3-Clause", "package": "some-weights", "version": "1.2"}
    digest = save_networks(study, "extractors/vgg16", **provenance, sha256="ab" * 32)
    assert "The extractor's file was not available" in text(copied_study(study.parent / "without"))
    set_extractor_digest(study, digest)
    card = text(study)
    row = f"| BSD-3-Clause | some-weights 1.2 | `{'ab' * 32}` |"
    assert row in card and f"| extractor's file | `{digest}` |" in card
    assert "not available" not in card and "The features of vgg16 were learned elsewhere" in card


def test_network_trained_in_the_study_has_its_data_set_as_source(study: Path) -> None:
    digest = save_networks(study, "extractors/vgg16", trained_on="photos")
    set_extractor_digest(study, digest)
    card = text(study)
    assert "| trained in the study | the images of `photos` |" in card
    assert "learned elsewhere" not in card


def test_evaluator_whose_features_were_matched_is_named(study: Path) -> None:
    set_extractor_digest(
        study, save_networks(study, "extractors/vgg16", license="MIT", sha256="ab" * 32)
    )
    for evaluator, weights in (("own", "ab"), ("lite2", "cd")):
        sha256 = weights * 32
        digest = save_networks(study, f"evaluators/{evaluator}", license="MIT", sha256=sha256)
        set_evaluator_digest(study, evaluator, digest)
    card = text(study)
    assert "features of the network that is also the evaluator `own`" in card
    assert "features of the network that is also the evaluator `lite2`" not in card


def test_sampling_classifier_and_skipped_images_are_limitations(study: Path) -> None:
    assert "--batchnorm batch" not in text(study) and "could not be read" not in text(study)
    sampling = {"seed": 3, "batchnorm": "batch", "count": 5000}
    change(scores_path(study, "lite2"), sampling=sampling)
    change(study / "data/prepared/photos/meta.json", skipped={"count": 1234})
    card = text(study)
    assert "noise of seed 3, batch norm on batch statistics" in card
    assert "Scores in `lite2` are of samples for which batch norm used the statistics" in card
    assert "Scores in `own` are of samples for which" not in card
    assert "`own` is a classifier that was trained in this study" in card
    assert "could not be read and were left out: 1,234." in card
    assert "During training vgg16 computed in bf16" in card


def test_memorized_scores_are_listed_once_each(study: Path) -> None:
    own, pixel = (
        f"{np.mean(values(study, 'own', f'memorised_{key}_1k')):.4g}" for key in ("own", "pixel")
    )
    card = text(study)
    assert f"`memorised_pixel_1k` {pixel} and `memorised_own_1k` {own}. Real images have" in card


def test_score_rows_have_deviation_or_how(study: Path) -> None:
    rows = {row.key: row for row in score_rows(read_run(study, RUN, 1).evaluators[0])}
    assert rows["score_lite2_5k"].spread == "± 0.08 over 10 splits"
    assert rows["fd_lite2_inf"].spread == "8 sizes from 2,500"
    assert rows["fd_lite2_5k"].meaning == "Fréchet distance, lower is better"
    assert rows["memorised_lite2_1k"].real is None


def test_real_scores_may_be_absent(study: Path) -> None:
    for evaluator in ("lite2", "own"):
        real_scores_path(study, evaluator).unlink()
    card = text(study)
    assert "Real images:" not in card and "(`precision_lite2_5k`)." in card


def test_command_writes_card_and_image_and_overwrites_neither(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, image = tmp_path / "card/CARD.md", tmp_path / "card/CARD-samples.png"
    words = ("card", RUN, "--study", study, "--seed", 2, "--license", "mit", "--out", out)
    gfmn(*words)
    assert capsys.readouterr().out == f"{out}, {image}\n"
    assert out.read_text() == model_card(read_run(study, RUN, 2), "mit", image.name)
    samples = study / f"data/samples/{RUN}/seed-2.png"
    assert image.read_bytes() == samples.read_bytes() and "(CARD-samples.png)" in out.read_text()
    assert "license: expected" in refused("card", *words[1:-1], tmp_path / "b.md", "--license", "?")
    assert not (tmp_path / "b-samples.png").exists()
    out.unlink()
    assert "CARD-samples.png: expected no file, found one" in line(write_card, out, study, RUN, 2)
    assert not out.exists()
    gfmn(*words, "--force")
    assert out.exists()
    capsys.readouterr()
    gfmn(*words[:-1], "-")  # the card alone
    assert capsys.readouterr().out == model_card(read_run(study, RUN, 2), "mit")
