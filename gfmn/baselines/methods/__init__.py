"""The methods, a file each; importing this registers them."""

from gfmn.baselines.methods import (  # noqa: F401 - each registers its method
    wgan_gp,
)
