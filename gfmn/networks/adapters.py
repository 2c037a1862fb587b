"""Networks of torchvision and timm, whose taps are read by hooks from named modules.

`torchvision:<model>` and `timm:<model>` are their architectures; the models' code and weights are
those of the library that is installed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks.base import TappedNetwork

Taps = str | Sequence[str]  # "stages", "activations", or names of modules

PROBE = 224  # pixels at which a network without a size of its own is tried out
NO_GATE = re.compile("softmax|sigmoid|attention", re.IGNORECASE)


class _Enough(Exception):  # noqa: N818  (no error: it ends a forward pass)
    """Raised when the last tap that is wanted is there."""


class Adapter(TappedNetwork):
    """Another library's network: a tap is the output of one call of one named module.

    A module that is called several times makes several taps: `name`, `name:2`, ... Modules are
    kept from working in place; where a network's own code changes a tap all the same, a copy was
    handed to that code. In bf16 the network runs under autocast, since only that serves every
    kind of layer. `classes`: how many its classifier has; None: it is left out.
    """

    chained: ClassVar[bool] = False  # a tap may lie beside the way to the last one

    def __init__(
        self,
        library: str,
        model: str,
        taps: Taps | None = None,
        resize: int | None = None,
        classes: int | None = None,
    ) -> None:
        self.name = f"{library}:{model}"
        self.library, self.classes = library, classes
        module, facts = LIBRARIES[library](model, resize, classes)
        self.mean, self.std = facts["mean"], facts["std"]
        self.interpolation = facts["interpolation"]  # type: ignore[misc]
        super().__init__()
        self.module = module.requires_grad_(False).eval()
        self.low_precision: torch.dtype | None = None
        for inner in module.modules():
            if getattr(inner, "inplace", None) is True:
                inner.inplace = False  # type: ignore[assignment]
        size = facts["fixed_size"]
        if size is not None and resize != size:
            raise InputError(f"{self.name}: expected resize {size}, its only size, found {resize}")
        self.resize = resize
        self.copied: frozenset[str] = frozenset()
        wanted = "stages" if taps is None else taps
        self.tap_names = self._resolve(wanted, facts, size or resize or PROBE) if wanted else ()

    def _resolve(self, taps: Taps, facts: dict[str, Any], size: int) -> tuple[str, ...]:
        """Names of taps in the order of their calls; finds those that later layers change."""
        known = dict(self.module.named_modules())
        if taps == "activations":
            wanted = {name for name, inner in known.items() if _is_activation(inner)}
        elif taps == "stages":
            wanted = set(facts["stages"])
        elif isinstance(taps, str):
            expected = "'stages', 'activations' or a list of modules"
            raise InputError(f"{self.name}: taps: expected {expected}, found {taps!r}")
        else:
            wanted = {name.partition(":")[0] for name in taps}
        for name in sorted(wanted):
            if name not in known or not name:
                raise InputError(f"{self.name}: no module {name!r}; {suggest(name, known)}")
        calls, changed = self._probe(wanted, size)
        if not isinstance(taps, str):
            for tap in taps:
                if tap not in calls:
                    raise InputError(f"{self.name}: no call {tap!r}; {suggest(tap, calls)}")
            calls = [call for call in calls if call in taps]
        if not calls:
            raise InputError(f"{self.name}: no {taps}; give a list of modules as taps")
        self.copied = frozenset(changed)
        return tuple(calls)

    def _probe(self, wanted: set[str], size: int) -> tuple[list[str], list[str]]:
        """The calls of the wanted modules, in order, and which outputs were changed later."""
        seen: list[tuple[str, Tensor, int]] = []

        def take(name: str, tap: Tensor) -> None:
            seen.append((name, tap, tap._version))

        state = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        state = {name: value.detach().to("meta") for name, value in state.items()}
        image = torch.empty(1, 3, size, size, device="meta")
        with torch.no_grad(), self._hooks(wanted, take):
            try:
                torch.func.functional_call(self.module, state, (image,))
            except (RuntimeError, AssertionError, ValueError) as error:
                raise self._refused(size, error) from None
        changed = [name for name, tap, version in seen if tap._version != version]
        return [name for name, _, _ in seen], changed

    def _refused(self, size: int, error: Exception) -> InputError:
        reason = " ".join(str(error).split())[:160]
        return InputError(f"{self.name}: takes no images of {size} px without `resize`: {reason}")

    @contextmanager
    def _hooks(self, wanted: set[str], take: Callable[[str, Tensor], None]) -> Iterator[None]:
        """Have `take` called with the name and the output of every call of the wanted modules."""
        counts: dict[str, int] = {}

        def hook(name: str) -> Callable[..., Any]:
            def call(module: nn.Module, inputs: Any, output: Any) -> Any:
                counts[name] = counts.get(name, 0) + 1
                call_name = name if counts[name] == 1 else f"{name}:{counts[name]}"
                tap = output[0] if isinstance(output, (tuple, list)) else output
                if not isinstance(tap, Tensor):
                    found = type(output).__name__
                    raise InputError(f"{self.name}: {name}: expected a tensor, found {found}")
                take(call_name, tap)
                if call_name in self.copied and tap is output:
                    return tap.clone()
                return None

            return call

        handles = [self.module.get_submodule(n).register_forward_hook(hook(n)) for n in wanted]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def stream(self, images: Tensor, depth: int | None = None) -> Iterator[Tensor]:
        """See the base class; here all taps are there before the first is yielded."""
        return self._calls(self.normalise(images), self.tap_names[:depth])

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class; here all taps are there before the first is yielded."""
        return self._calls(x, self.tap_names)

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """See the base class; the features are those that the library's classifier takes."""
        x = self.normalise(images)
        if self.library == "timm":
            module: Any = self.module
            pooled = module.forward_head(module.forward_features(x), pre_logits=True)
            return pooled.float(), module.get_classifier()(pooled) if self.classes else None
        found: list[Tensor] = []
        last = [module for module in self.module.modules() if isinstance(module, nn.Linear)][-1]
        handle = last.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
        try:
            logits: Tensor = self.module(x)
        finally:
            handle.remove()
        return found[-1].float(), logits if self.classes else None

    def _calls(self, x: Tensor, names: Sequence[str]) -> Iterator[Tensor]:
        """The outputs of these calls, of normalised images."""
        left, found = set(names), {}

        def take(name: str, tap: Tensor) -> None:
            if name in left:
                left.remove(name)
                found[name] = _as_map(tap)
                if not left:
                    raise _Enough

        wanted = {name.partition(":")[0] for name in names}
        low = self.low_precision
        precision = torch.autocast(x.device.type, low) if low and not x.is_meta else nullcontext()
        with self._hooks(wanted, take), precision:
            try:
                self.module(x)
            except _Enough:
                pass
            except (RuntimeError, AssertionError, ValueError) as error:
                if x.is_meta:
                    raise self._refused(x.shape[-1], error) from None
                raise
        yield from (found[name] for name in names)

    def input_dtype(self) -> torch.dtype:
        """float32 always: autocast does the rest."""
        return torch.float32

    def to_precision(self, dtype: torch.dtype) -> None:
        """See the base class; the weights stay in float32."""
        self.low_precision = None if dtype == torch.float32 else dtype


def _as_map(tap: Tensor) -> Tensor:
    """B x N x C tokens -> B x C x N x 1, B x C -> B x C x 1 x 1; channels-last in memory."""
    if tap.ndim == 3:
        tap = tap.transpose(1, 2).unsqueeze(-1)
    elif tap.ndim == 2:
        tap = tap[:, :, None, None]
    return tap.contiguous(memory_format=torch.channels_last)


def _is_activation(module: nn.Module) -> bool:
    place, name = type(module).__module__, type(module).__name__
    homes = ("torch.nn.modules.activation", "timm.layers.activations")
    return place.startswith(homes) and not NO_GATE.search(name)


def _from_timm(
    model: str, resize: int | None, classes: int | None
) -> tuple[nn.Module, dict[str, Any]]:
    import timm

    # Without its classifier: what is left of the forward pass beyond the taps is never computed.
    options: dict[str, Any] = {"pretrained": False, "num_classes": classes or 0}
    try:
        network: Any = timm.create_model(model, **options)
    except RuntimeError:
        names = [*timm.list_models(), *timm.list_pretrained()]
        raise InputError(f"timm has no model {model!r}; {_near(model, names)}") from None
    config = network.pretrained_cfg
    size = config["input_size"][-1] if config.get("fixed_input_size") else None
    if size is not None and resize not in (None, size) and hasattr(network, "dynamic_img_size"):
        # A vision transformer at another size than its own: its position embedding is resized.
        network, size = timm.create_model(model, dynamic_img_size=True, **options), None
    return network, {
        "mean": tuple(map(float, config["mean"])),
        "std": tuple(map(float, config["std"])),
        "interpolation": "bicubic" if config.get("interpolation") == "bicubic" else "bilinear",
        "fixed_size": size,
        "stages": [stage["module"] for stage in getattr(network, "feature_info", [])],
    }


def _from_torchvision(
    model: str, resize: int | None, classes: int | None
) -> tuple[nn.Module, dict[str, Any]]:
    from torchvision import models

    if model not in models.list_models(module=models):
        names = models.list_models(module=models)
        raise InputError(f"torchvision has no model {model!r}; {_near(model, names)}")
    options: dict[str, Any] = {} if classes is None else {"num_classes": classes}
    if model in ("googlenet", "inception_v3"):
        # These two take normalised images and change them back themselves.
        options |= {"init_weights": False, "transform_input": True}
    network = models.get_model(model, weights=None, **options)
    stages = [name for name, _ in network.named_children() if name.startswith(("layer", "stage"))]
    return network, {
        "mean": (0.485, 0.456, 0.406),  # of all of its classifiers
        "std": (0.229, 0.224, 0.225),
        "interpolation": "bilinear",
        "fixed_size": getattr(network, "image_size", None),  # vision transformers'
        "stages": stages,
    }


def _near(model: str, names: Sequence[str]) -> str:
    """As `suggest`, without a list of a thousand names."""
    hint = suggest(model, names)
    return hint if hint.startswith("did") else "see the library's list of models"


LIBRARIES: dict[str, Callable[[str, int | None, int | None], tuple[nn.Module, dict[str, Any]]]] = {
    "timm": _from_timm,
    "torchvision": _from_torchvision,
}
