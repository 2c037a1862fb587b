"""The methods, a file each; importing this registers them."""

from gfmn.baselines.methods import (  # noqa: F401 - each registers its method
    fisher_gan,
    gan_dfm,
    gmmn,
    gmmn_ae,
    improved_gan,
    mmd_gan,
    mmd_rq_gan,
    molm,
    sn_gan,
    wgan_gp,
)
