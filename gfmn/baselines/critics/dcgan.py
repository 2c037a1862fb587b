"""The DCGAN's discriminator, the mirror of the generator `dcgan` (Radford et al., ICLR 2016)."""

from torch import nn

from gfmn.baselines.critics.base import CRITICS, Body, Shape, norm, normal


@CRITICS.register("dcgan")
def dcgan(shape: Shape) -> Body:
    """4 x 4 convolutions at stride 2 with leaky ReLUs, channels doubling, down to 4 x 4 pixels.

    At 48 pixels down to 6 x 6. No batch norm behind the first.
    """
    blocks, channels, side = [], 3, shape.image_size
    count = {32: 3, 48: 3, 64: 4, 128: 5}[shape.image_size]
    for i in range(count):
        out = shape.width << min(i, 3)
        layers = [nn.Conv2d(channels, out, 4, 2, 1), norm(out, shape.batchnorm and i > 0)]
        blocks.append(nn.Sequential(*layers, nn.LeakyReLU(0.2)))
        channels, side = out, side // 2
    return Body(blocks, channels * side**2, normal)
