"""The images of a page: made once, cut to what is shown."""

from builders.report_figures import configured, sections, study_with_figures
from builders.synthetic_study import folder_of

from gfmn.reporting.page.image_store import ImageStore
from gfmn.reporting.reading import read_study


def test_figure_shows_a_square_of_samples_and_a_card_its_first_rows() -> None:
    store = ImageStore(study_with_figures().study)
    large, small = store.samples("vgg16"), store.samples("encoder")
    assert large and small and store.samples("absent") is None
    assert (large.columns, large.rows, large.shown) == (8, 8, 5)
    assert (small.columns, small.rows, small.shown) == (8, 5, 5)
    assert store.samples("vgg16") is large and store.grids == [large, small]


def test_interpolations_are_shown_where_their_file_is() -> None:
    images = ImageStore(study_with_figures().study).interpolations("taps5")
    assert images and (images.columns, images.rows, images.tile) == (10, 3, 32)
    without = read_study(folder_of(False), configured(), **sections())
    assert ImageStore(without).interpolations("taps5") is None
