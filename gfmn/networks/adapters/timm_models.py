"""Models of timm."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks.adapters.library_model import LibraryModel, suggest_model


def load(model: str, resize: int | None, classes: int | None) -> LibraryModel:
    """A model with random weights, for images of `resize` pixels.

    `classes`: of its classifier; None: without one. Raises `InputError` for an unknown model.
    """
    import timm

    options: dict[str, Any] = {"pretrained": False, "num_classes": classes or 0}
    try:
        network: Any = timm.create_model(model, **options)
    except RuntimeError:
        hint = suggest_model(model, [*timm.list_models(), *timm.list_pretrained()])
        raise InputError(f"timm has no model {model!r}; {hint}") from None
    config = network.pretrained_cfg
    size = config["input_size"][-1] if config.get("fixed_input_size") else None
    if size is not None and resize not in (None, size) and hasattr(network, "dynamic_img_size"):
        # A vision transformer at another size than its own: its position embedding is resized.
        network, size = timm.create_model(model, dynamic_img_size=True, **options), None
    return LibraryModel(
        module=network,
        mean=_channels(config["mean"]),
        std=_channels(config["std"]),
        interpolation="bicubic" if config.get("interpolation") == "bicubic" else "bilinear",
        fixed_size=size,
        stages=tuple(stage["module"] for stage in getattr(network, "feature_info", [])),
        embed=_embed,
    )


def _channels(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue


def _embed(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    network: Any = module
    features = network.forward_features(x)
    pooled = network.forward_head(features, pre_logits=True)
    classifier = network.get_classifier() if network.num_classes else None
    if isinstance(classifier, tuple):  # of a distilled model: the mean of both heads
        return pooled, network.forward_head(features)
    return pooled, classifier(pooled) if classifier is not None else None
