"""The classifier at the end of a network: what it was trained for, and what scores ask of it."""

from collections.abc import Iterator

from torch import Tensor, nn

from gfmn.networks.base import TappedNetwork


class Classifier(TappedNetwork):
    """A tapped network with a linear classifier of its averaged last tap.

    `classes`: how many; None: the network was kept without its classifier.
    """

    classifier: nn.Linear | None

    def add_classifier(self, width: int, classes: int | None) -> None:
        """Called last, so that weights keep their order: `width` channels -> `classes` logits."""
        self.classifier = nn.Linear(width, classes) if classes else None

    def pooled_and_logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """B x D globally averaged last activations and B x classes logits; no tap is kept.

        `images`: B x 3 x H x W in [0, 1].
        """
        return self.classify(self.activations(self.normalize(images)))

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """See the base class."""
        return super().embed(images) if self.classifier is None else self.pooled_and_logits(images)

    def classify(self, taps: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
        """The same, of taps in forward order."""
        for x in taps:
            last = x
        pooled = last.mean((2, 3))
        assert self.classifier is not None
        logits: Tensor = self.classifier(pooled)
        return pooled, logits


def initialize(module: nn.Module) -> None:
    """Convolutions by their fan-out, for ReLUs (He et al., ICCV 2015, arXiv:1502.01852)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
