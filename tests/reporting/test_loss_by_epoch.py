"""The loss by epoch of a run, and samples along it."""

from builders.report_figures import study_with_figures

from gfmn.reporting.figures import loss_by_epoch
from gfmn.reporting.figures.loss_by_epoch import epochs
from gfmn.reporting.figures.theme import LIGHT


def test_epoch_is_as_many_images_as_the_data_set_has() -> None:
    # 25 steps of 64 images are 1,600 images: ten times the 160 of the data set
    history = study_with_figures().study.runs["vgg16"].seeds[0].history
    assert history is not None and history["step"].iloc[1] == 25
    assert epochs(history["images"], 160).iloc[1] == 10.0


def test_runs_with_a_history_are_drawn() -> None:
    study = study_with_figures().study
    (drawing,) = loss_by_epoch.draw(study, {}, LIGHT)
    assert drawing.name == "figure5-moment_matching" and drawing.run == "moment_matching"
    assert drawing.section and drawing.section.anchor == "figure-figure5"
    # its grids are of the steps 0, 600 and 1,200, which are the epochs 0, 240 and 480
    assert "at epoch 0, 240, 480. An epoch is the 160 images of photos." in drawing.caption
