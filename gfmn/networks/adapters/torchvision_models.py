"""Models of torchvision."""

from typing import Any

from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks.adapters.library_model import LibraryModel, suggest_model


def load(model: str, resize: int | None, classes: int | None) -> LibraryModel:
    """A model with random weights.

    `classes`: of its classifier; None: as many as the library's default. Raises `InputError` for
    an unknown model.
    """
    from torchvision import models

    names = models.list_models(module=models)
    if model not in names:
        raise InputError(f"torchvision has no model {model!r}; {suggest_model(model, names)}")
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if model in ("googlenet", "inception_v3"):
        # These two take normalized images and change them back themselves.
        options |= {"init_weights": False, "transform_input": True}
    network = models.get_model(model, weights=None, **options)
    stages = (name for name, _ in network.named_children() if name.startswith(("layer", "stage")))
    return LibraryModel(
        module=network,
        mean=(0.485, 0.456, 0.406),  # of all of its classifiers
        std=(0.229, 0.224, 0.225),
        interpolation="bilinear",
        fixed_size=getattr(network, "image_size", None),  # vision transformers'
        stages=tuple(stages),
        embed=_embed,
    )


def _embed(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """The features are the input of the last linear layer."""
    found: list[Tensor] = []
    last = [inner for inner in module.modules() if isinstance(inner, nn.Linear)][-1]
    handle = last.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    try:
        logits: Tensor = module(x)
    finally:
        handle.remove()
    return found[-1], logits
