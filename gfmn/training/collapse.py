"""A warning for a generator whose samples are all alike."""

from gfmn.common.images import difference
from gfmn.generators.sampling import fixed_grid
from gfmn.training.trainer import Trainer

ALIKE = 4.0  # gray levels of 255; natural images differ by 40 to 70
TRY = (
    "more steps, more images, a lower lr, another generator or `added: {covariance: 2.0}` may help"
)


def collapsed(trainer: Trainer) -> str | None:
    """What is wrong with the samples of a run's fixed noise; None: nothing."""
    found = difference(fixed_grid(trainer.result, trainer.config.latent, trainer.config.seed))
    if found >= ALIKE:
        return None
    return f"all samples are alike, they differ by {found:.2g} of 255 gray levels"
