"""An extractor of the study as the critic: the experiment of the paper's appendix 8."""

from torch import Tensor, nn

from gfmn.baselines.critics.base import CRITICS, Body, Shape
from gfmn.common.images import signed_to_unit
from gfmn.networks import TappedNetwork
from gfmn.networks.extractor_file import only_network, read_state


@CRITICS.register("extractor")
def extractor(shape: Shape) -> Body:
    """The network of an extractor file, with its weights or random ones; all are trained on.

    Its batch norms, if it has any, use each batch's statistics, as in training. The features are
    its last tap, averaged over pixels.
    """
    if shape.extractor is None:
        raise ValueError("expected an extractor file")
    header = only_network(shape.extractor)
    network = header.build()
    if shape.pretrained:
        network.load_state_dict(read_state(shape.extractor, header), strict=False)
    channels = network.tap_shapes(shape.image_size)[-1][0]
    return Body([LastTap(network)], channels, _keep)


def _keep(module: nn.Module) -> None:
    """Every layer keeps the weights that it has."""


class LastTap(nn.Module):
    """B x 3 x S x S images in [-1, 1] -> B x C: the network's last tap, averaged."""

    def __init__(self, network: TappedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        for tap in self.network.stream(signed_to_unit(images)):
            last = tap
        return last.mean((2, 3))
