"""Convolutions with batch norm, which a frozen network folds into their weights."""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.small_convolution import convolve


class ConvNorm(nn.Module):
    """A convolution and its batch norm, which `fold` makes one convolution with a bias."""

    conv: nn.Conv2d

    def __init__(self, conv: nn.Conv2d, eps: float = 1e-5) -> None:
        super().__init__()
        self.conv = conv
        self.norm: nn.Module = nn.BatchNorm2d(conv.out_channels, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """B x in x H x W -> B x out x H' x W', newly allocated, so free to be changed in place."""
        normed: Tensor = self.norm(convolve(self.conv, x))
        return normed

    def fold(self) -> None:
        """Equal in eval mode, up to rounding; nothing happens the second time."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class ConvNormReLU(ConvNorm):
    """A convolution, its batch norm and a ReLU, which `fold` makes one `ConvReLU`."""

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """relu(norm(conv(x)) + residual), newly allocated: B x in x H x W -> B x out x H' x W'."""
        if isinstance(self.conv, ConvReLU):
            folded: Tensor = self.conv(x, residual)
            return folded
        y = super().forward(x)
        return F.relu(y if residual is None else y + residual, inplace=True)

    def fold(self) -> None:
        """See the base class."""
        super().fold()
        if not isinstance(self.conv, ConvReLU):
            self.conv = ConvReLU.from_convolution(self.conv)
