"""A warning for a generator whose samples are all alike."""

from gfmn.common.images import difference
from gfmn.generators.sampling import fixed_grid
from gfmn.training.trainable import Trainable

ALIKE = 4.0  # gray levels of 255; natural images differ by 40 to 70


def warning(trainer: Trainable) -> str | None:
    """What is wrong with the samples of a run's fixed noise, and what to try; None: nothing."""
    images = fixed_grid(trainer.result, trainer.config.latent, trainer.config.seed or 0)
    found = difference(images)
    if found >= ALIKE:
        return None
    return (
        f"WARNING: all samples are alike, they differ by {found:.2g} of 255 gray levels; more "
        f"steps, more images, another lr or {trainer.cure} may help"
    )
