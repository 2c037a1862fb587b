"""A wide strip: real images above the headline run's samples. The page does not show it."""

from collections.abc import Iterator, Mapping

from gfmn.common.images import grid
from gfmn.reporting.figures.drawing import DPI, SMALL, Drawing, new_figure, to_png
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.images import real_images, sample_images
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

COLUMNS, ROWS = 18, 3  # of real and of generated images each
SCALE = 2
LABEL = 30  # px above each half


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """One drawing; none without real images or samples."""
    run = study.headline
    real = real_images(study, run.dataset, ROWS * COLUMNS)
    generated = sample_images(study, run.name, ROWS * COLUMNS)
    if real is None or generated is None:
        return
    halves = [
        grid(images, COLUMNS).repeat(SCALE, 0).repeat(SCALE, 1) for images in (real, generated)
    ]
    height, width = halves[0].shape[:2]
    figure = new_figure(theme, width / DPI, 2 * (height + LABEL) / DPI)
    for i, (image, label) in enumerate(zip(halves, ("Real", "Generated"), strict=True)):
        bottom = (1 - i) * (height + LABEL)
        figure.figimage(image, xo=0, yo=bottom + height - image.shape[0], origin="upper")
        y = (bottom + height + 9) / (2 * (height + LABEL))
        figure.text(0.002, y, label, color=theme.ink, fontsize=SMALL + 1, weight="bold")
    yield Drawing(
        name=f"strip-{run.name}",
        caption=f"Real images of {run.dataset} and samples of run "
        f"{run.name}{run.seed_label(run.shown_seed.seed)}.",
        alt="Rows of small real images above rows of generated ones.",
        png=to_png(figure, has_images=True),
        section=None,
        run=run.name,
        has_images=True,
    )
