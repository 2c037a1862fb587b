"""Scores as metrics of torchmetrics, in the features of any network; needs the extra `metrics`."""

import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from gfmn.common.errors import InputError
from gfmn.common.images import bytes_to_unit
from gfmn.inference import real_statistics
from gfmn.inference.score import named_evaluator
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.frechet import frechet_distance
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.precision_recall import precision_recall
from gfmn.networks import TappedNetwork

Images = np.ndarray | Tensor
DEFAULTS = MetricsConfig()


class FeatureMetric(Metric):
    """Features of real and of generated images in a space; the base of the metrics here.

    `space`: an evaluator's name or file (docs/evaluators.md), or any module from B x 3 x S x S
    images in [0, 1] to B x D features, which is copied and put into eval mode. `image_size`: S, of
    the image that it is tried on. `reset_real_features`: whether `reset` forgets the real images
    too. Other arguments are those of `torchmetrics.Metric`.
    """

    higher_is_better = False
    is_differentiable = False
    full_state_update = False

    def __init__(
        self,
        space: str | Path | nn.Module = "lite2",
        image_size: int = 32,
        reset_real_features: bool = True,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self.network, self.reset_real_features = _network(space), reset_real_features
        try:
            trial = self._features(torch.zeros(1, 3, image_size, image_size))
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(f"space: takes no images of {image_size} px: {reason}") from None
        self.width = trial.shape[1]  # D

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever the mode of a module that holds this one."""
        return super().train(False)

    def update(self, images: Images, real: bool = False) -> None:
        """Take in real or generated images.

        An array of N x H x W x 3 uint8, as `sample` gives, or a tensor of N x 3 x H x W, uint8 or
        floats in [0, 1]. Raises `InputError` for others.
        """
        self._add(self._features(_unit(images)).to(self.device), "real" if real else "generated")

    def reset(self) -> None:
        """Forget all images, or the generated ones alone."""
        kept = {}
        if not self.reset_real_features:
            kept = {key: value for key, value in self._defaults.items() if key.startswith("real_")}
        for name in kept:
            del self._defaults[name]
        super().reset()
        self._defaults.update(kept)

    def _add(self, features: Tensor, side: str) -> None:
        raise NotImplementedError

    @torch.no_grad()
    def _features(self, images: Tensor) -> Tensor:
        weight = next(self.network.parameters(), None)
        images = images.to(self.device if weight is None else weight.device)
        features = self.network(images)
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(images):
            found = shape_of(features) if isinstance(features, Tensor) else type(features).__name__
            raise InputError(f"space: expected {len(images)} x D features, found {found}")
        if not features.isfinite().all():
            raise InputError("space: expected finite features, found an infinity or NaN")
        return features


class FrechetDistance(FeatureMetric):
    """The Fréchet distance between real and generated images (Heusel et al. 2017), float64.

    Features are summed up as they come, not kept: batches of any size give the same value up to
    the rounding of float64. `real`: an `.npz` file of mu and sigma in place of real images. In the
    space of `inception` with its published weights it is FID.
    """

    def __init__(
        self,
        space: str | Path | nn.Module = "lite2",
        real: str | Path | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(space, **settings)
        self.reference: Gaussian | None = None
        if real is not None:
            gaussian, _ = real_statistics.load(Path(real))
            if len(gaussian.mean) != self.width:
                found = f"{self.width} features, found {len(gaussian.mean)}"
                raise InputError(f"{real}: expected mu of the space's {found}")
            self.reference = gaussian.with_root()
        mean = torch.zeros(self.width, dtype=torch.float64)
        for side in ("real", "generated"):
            self.add_state(f"{side}_count", torch.zeros((), dtype=torch.int64), "sum")
            self.add_state(f"{side}_sum", mean.clone(), "sum")
            self.add_state(f"{side}_products", torch.outer(mean, mean), "sum")

    def _add(self, features: Tensor, side: str) -> None:
        if self.reference is not None and side == "real":
            raise InputError("real: expected False, since a file has the real images")
        rows = features.double()
        getattr(self, f"{side}_count").add_(len(rows))
        getattr(self, f"{side}_sum").add_(rows.sum(0))
        getattr(self, f"{side}_products").addmm_(rows.T, rows)

    def compute(self) -> Tensor:
        """The distance, one float64; `InputError` for fewer than 2 images of a side."""
        real = self.reference or self.gaussian("real")
        distance = frechet_distance(real, self.gaussian("generated"))
        return torch.tensor(distance, dtype=torch.float64, device=self.device)

    def gaussian(self, side: str) -> Gaussian:
        """Mean and covariance of the `real` or the `generated` images so far."""
        count = int(getattr(self, f"{side}_count"))
        if count < 2:
            raise InputError(f"{side}: expected 2 or more images, found {count}")
        mean = getattr(self, f"{side}_sum").cpu() / count
        scatter = getattr(self, f"{side}_products").cpu() - count * torch.outer(mean, mean)
        return Gaussian(count, mean, scatter / (count - 1))

    def save_real(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the real images' mean and covariance as an `.npz` file of mu and sigma."""
        real = self.reference or self.gaussian("real")
        real_statistics.save(Path(path), real, overwrite)


class StoredFeatures(FeatureMetric):
    """A metric that needs every image's features: they are kept until `reset`."""

    real_features: list[Tensor]
    generated_features: list[Tensor]

    def __init__(self, space: str | Path | nn.Module = "lite2", **settings: Any) -> None:
        super().__init__(space, **settings)
        self.add_state("real_features", [], "cat")
        self.add_state("generated_features", [], "cat")

    def _add(self, features: Tensor, side: str) -> None:
        getattr(self, f"{side}_features").append(features.float())

    def _rows(self, side: str) -> np.ndarray:
        kept = getattr(self, f"{side}_features")
        count = sum(map(len, kept)) if isinstance(kept, list) else len(kept)
        if count < 2:
            raise InputError(f"{side}: expected 2 or more images, found {count}")
        rows: np.ndarray = dim_zero_cat(kept).cpu().numpy()
        return rows

    def _scalar(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64, device=self.device)


class KernelDistance(StoredFeatures):
    """The kernel distance (Bińkowski et al. 2018): KID in the space of `inception`.

    `subsets` of `size` images of each side, fewer where there are fewer, are drawn by `seed`.
    """

    def __init__(
        self,
        space: str | Path | nn.Module = "lite2",
        subsets: int = DEFAULTS.kernel.subsets,
        size: int = DEFAULTS.kernel.size,
        seed: int = DEFAULTS.seed,
        **settings: Any,
    ) -> None:
        super().__init__(space, **settings)
        self.subsets, self.size, self.seed = subsets, size, seed

    def compute(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation over the subsets."""
        real, generated = self._rows("real"), self._rows("generated")
        size = min(self.size, len(real), len(generated))
        mean, std = kernel_distance(generated, real, self.subsets, size, self.seed)
        return self._scalar(mean), self._scalar(std)


class PrecisionRecall(StoredFeatures):
    """Improved precision and recall (Kynkäänniemi et al. 2019) by the `k` nearest neighbors."""

    higher_is_better = True

    def __init__(
        self,
        space: str | Path | nn.Module = "lite2",
        k: int = DEFAULTS.manifold.k,
        **settings: Any,
    ) -> None:
        super().__init__(space, **settings)
        self.k = k

    def compute(self) -> dict[str, Tensor]:
        """`precision` and `recall`."""
        values = precision_recall(self._rows("real"), self._rows("generated"), self.k)
        return dict(zip(("precision", "recall"), map(self._scalar, values), strict=True))


class _Embedding(nn.Module):
    """The features for scores of an evaluator's network."""

    def __init__(self, network: TappedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.embed(images)[0]


def _network(space: str | Path | nn.Module) -> nn.Module:
    if isinstance(space, nn.Module):
        network = copy.deepcopy(space)
    else:
        network = named_evaluator(str(space), argument="space").network
    if isinstance(network, TappedNetwork):
        network = _Embedding(network)
    return network.eval().requires_grad_(False)


def _unit(images: Images) -> Tensor:
    """N x 3 x H x W float32 in [0, 1]."""
    if isinstance(images, np.ndarray):
        if images.dtype == np.uint8 and images.ndim == 4 and images.shape[3] == 3:
            return bytes_to_unit(images)
    elif isinstance(images, Tensor) and images.ndim == 4 and images.shape[1] == 3:
        if images.dtype == torch.uint8:
            return images.float().div(255)
        if images.is_floating_point():
            low, high = (images.amin().item(), images.amax().item()) if len(images) else (0, 1)
            if not (low >= 0 and high <= 1):
                found = f"{low:.3g} to {high:.3g}"
                raise InputError(f"images: expected floats in [0, 1], found {found}")
            return images.float()
    found = type(images).__name__
    if isinstance(images, np.ndarray | Tensor):
        found = f"{found} of {shape_of(images)} {images.dtype}".replace("torch.", "")
    expected = "an array of N x H x W x 3 uint8 or a tensor of N x 3 x H x W, uint8 or in [0, 1]"
    raise InputError(f"images: expected {expected}, found {found}")
