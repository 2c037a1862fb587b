"""The Inception network of the Inception Score and of FID, as torch-fidelity rebuilt it."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks.base import TappedNetwork
from gfmn.networks.registry import register

# The file that torch-fidelity and pytorch-fid publish: TensorFlow's weights of 2015-12-05.
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
FEATURES = ("64", "192", "768", "2048")


class InceptionV3(TappedNetwork):
    """TensorFlow's Inception-v3 of 2015, for scores alone: images are rounded to bytes first.

    It brings images to 299 px as TensorFlow 1 did, so it has no `resize`. Taps: the four averaged
    features, B x C x 1 x 1; the last is FID's (Heusel et al. 2017, arXiv:1706.08500). No gradient
    passes.
    """

    mean = (128 / 255,) * 3
    std = (128 / 255,) * 3
    tap_names = FEATURES

    def __init__(self) -> None:
        super().__init__()
        self.module: Any = _rebuilt()

    @property
    def resizer(self) -> str:
        """See the base class."""
        return "TensorFlow 1's bilinear to 299 px"

    def freeze(self, batchnorm: str = "eval") -> None:
        """See the base class; another mode than `eval` is refused, and nothing is folded."""
        if batchnorm != "eval":
            raise InputError(f"inception_v3: expected batch norm in mode 'eval', found {batchnorm}")
        self.eval().requires_grad_(False)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the taps of B x 3 x H x W bytes."""
        for tap in self._features(x, FEATURES):
            yield tap[:, :, None, None]

    def stream(self, images: Tensor, depth: int | None = None) -> Iterator[Tensor]:
        """See the base class."""
        return islice(self.activations(_bytes(images)), depth)

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """B x 2048 features, and B x 1008 logits without their bias, as both scores take them."""
        pooled, logits = self._features(_bytes(images), ("2048", "logits_unbiased"))
        return pooled, logits

    def _features(self, x: Tensor, names: tuple[str, ...]) -> tuple[Tensor, ...]:
        self.module.features_list = list(names)
        found: tuple[Tensor, ...] = self.module(x)
        return found


def _rebuilt() -> nn.Module:
    """torch-fidelity's network without the weights that its constructor asks for."""
    # Here, since all other networks do without it, and it imports for several seconds.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Rebuilt(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
            return super().load_state_dict(state_dict, *args, **kwargs) if state_dict else None

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    return Rebuilt("inception-v3-compat", list(FEATURES), nothing)


def _bytes(images: Tensor) -> Tensor:
    """[0, 1] -> 0 to 255, uint8: exact where the images come from bytes."""
    if images.is_meta:
        return torch.empty(images.shape, dtype=torch.uint8, device="meta")
    return images.mul(255).round_().clamp_(0, 255).to(torch.uint8)


register("inception_v3", InceptionV3, extractor=False)
