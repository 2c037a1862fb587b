"""Whether a run's samples are all alike, which no loss may show."""

from gfmn.common.images import difference
from gfmn.generators.sampling import fixed_grid
from gfmn.training.trainable import Trainable

ALIKE = 4.0  # gray levels of 255; natural images differ by 40 to 70


def collapsed(trainer: Trainable) -> str | None:
    """What is wrong with the samples of a run's fixed noise; None: nothing."""
    config = trainer.config
    found = difference(fixed_grid(trainer.result, config.latent, trainer.seed))
    if found >= ALIKE:
        return None
    return f"all samples are alike, they differ by {found:.2g} of 255 gray levels"


def advice(trainer: Trainable) -> str:
    """What may help then."""
    return f"more steps, more images, a lower lr, another generator or {trainer.cure} may help"
