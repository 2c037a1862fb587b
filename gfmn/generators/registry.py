"""The generators: z (B x latent) -> images (B x 3 x S x S) in [-1, 1], by name.

A generator is a module that is built from `image_size`, one of `IMAGE_SIZES`, and `latent`.
"""

from torch import nn

from gfmn.common.registry import Registry

GENERATORS = Registry[type[nn.Module]]()
