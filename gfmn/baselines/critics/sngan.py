"""The convolutional critic of SN-GAN (Miyato et al., ICLR 2018, table 3)."""

from torch import nn

from gfmn.baselines.critics.base import CRITICS, Body, Shape, norm, normal


@CRITICS.register("sngan")
def sngan(shape: Shape) -> Body:
    """3 x 3 and 4 x 4 convolutions in turn, the latter at stride 2; then one of 3 x 3.

    At 64 and 128 pixels one and two more of stride 2 begin it, which the paper, that has 32 and 48
    pixels, does not say.
    """
    width = shape.width
    plan = [(width, 3), (width, 4), (2 * width, 3), (2 * width, 4), (4 * width, 3), (4 * width, 4)]
    plan.append((8 * width, 3))
    plan[:1] = {64: [(width, 4)], 128: [(width, 4), (width, 4)]}.get(shape.image_size, plan[:1])
    blocks, channels, side = [], 3, shape.image_size
    for i, (out, kernel) in enumerate(plan):
        stride = 2 if kernel == 4 else 1
        layers = [nn.Conv2d(channels, out, kernel, stride, 1), norm(out, shape.batchnorm and i > 0)]
        blocks.append(nn.Sequential(*layers, nn.LeakyReLU(0.1)))
        channels, side = out, side // stride
    return Body(blocks, channels * side**2, normal)
