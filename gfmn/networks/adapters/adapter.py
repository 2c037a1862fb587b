"""A network of torchvision or timm as a tapped network.

`torchvision:<model>` and `timm:<model>` are their architectures; the models' code and weights are
those of the library that is installed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import ClassVar

import torch
from torch import Tensor, nn

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks.adapters import timm_models, torchvision_models
from gfmn.networks.adapters.library_model import LibraryModel
from gfmn.networks.adapters.module_calls import call_hooks, call_outputs
from gfmn.networks.base import TappedNetwork

TappedModules = str | Sequence[str]  # "stages", "activations", or names of modules

LIBRARIES: dict[str, Callable[[str, int | None, int | None], LibraryModel]] = {
    "timm": timm_models.load,
    "torchvision": torchvision_models.load,
}
TRIAL_SIZE = 224  # pixels at which a network without a size of its own is tried out
GATES = re.compile("softmax|sigmoid|attention", re.IGNORECASE)  # activations that are no taps


class Hooked(TappedNetwork):
    """A network of another's making: a tap is the output of one call of one named module.

    A module that is called several times makes several taps: `name`, `name:2`, ... Modules are
    kept from working in place; where a network's own code still changes a tap, that code gets a
    copy. In bf16 the network runs under autocast, since only that serves every kind of layer.
    `classes`: of its classifier; None: without one.
    """

    chained: ClassVar[bool] = False  # a tap need not be an input of the last one

    def __init__(
        self,
        name: str,
        loaded: LibraryModel,
        taps: TappedModules | None = None,
        resize: int | None = None,
        classes: int | None = None,
    ) -> None:
        self.name = name
        self.mean, self.std = loaded.mean, loaded.std
        self.interpolation = loaded.interpolation
        super().__init__()
        self.module = loaded.module.requires_grad_(False).eval()
        self.classes, self._embed = classes, loaded.embed
        self.low_precision: torch.dtype | None = None
        for inner in self.module.modules():
            if getattr(inner, "inplace", None) is True:
                inner.inplace = False  # type: ignore[assignment]
        size = loaded.fixed_size
        if size is not None and resize != size:
            raise InputError(f"{self.name}: expected resize {size}, its only size, found {resize}")
        self.resize = resize
        self.copied: frozenset[str] = frozenset()  # taps that the network's code changes
        selected = "stages" if taps is None else taps
        trial_size = size or resize or TRIAL_SIZE
        self.tap_names = self._resolve(selected, loaded.stages, trial_size) if selected else ()

    def _resolve(self, taps: TappedModules, stages: Sequence[str], size: int) -> tuple[str, ...]:
        """Names of taps in the order of their calls; finds those that later layers change."""
        known = dict(self.module.named_modules())
        if taps == "activations":
            wanted = {name for name, inner in known.items() if _is_activation(inner)}
        elif taps == "stages":
            wanted = set(stages)
        elif isinstance(taps, str):
            expected = "'stages', 'activations' or a list of modules"
            raise InputError(f"{self.name}: taps: expected {expected}, found {taps!r}")
        else:
            wanted = {name.partition(":")[0] for name in taps}
        for name in sorted(wanted):
            if name not in known or not name:
                raise InputError(f"{self.name}: no module {name!r}; {suggest(name, known)}")
        calls, changed = self._try_out(wanted, size)
        if not isinstance(taps, str):
            for tap in taps:
                if tap not in calls:
                    raise InputError(f"{self.name}: no call {tap!r}; {suggest(tap, calls)}")
            calls = [call for call in calls if call in taps]
        if not calls:
            raise InputError(f"{self.name}: no {taps}; give a list of modules as taps")
        self.copied = frozenset(changed)
        return tuple(calls)

    def _try_out(self, wanted: set[str], size: int) -> tuple[list[str], list[str]]:
        """The calls of the wanted modules, in order, and which outputs were changed later."""
        seen: list[tuple[str, Tensor, int]] = []

        def receive(call: str, output: Tensor) -> None:
            seen.append((call, output, output._version))

        state = {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
        state = {name: value.detach().to("meta") for name, value in state.items()}
        image = torch.empty(1, 3, size, size, device="meta")
        with torch.no_grad(), call_hooks(self.module, wanted, receive):
            try:
                torch.func.functional_call(self.module, state, (image,))
            except InputError as error:
                raise InputError(f"{self.name}: {error}") from None
            except (RuntimeError, AssertionError, ValueError) as error:
                raise self._size_error(size, error) from None
        changed = [call for call, output, version in seen if output._version != version]
        return [call for call, _, _ in seen], changed

    def _size_error(self, size: int, error: Exception) -> InputError:
        reason = " ".join(str(error).split())[:160]
        return InputError(f"{self.name}: takes no images of {size} px without `resize`: {reason}")

    def stream(self, images: Tensor, depth: int | None = None) -> Iterator[Tensor]:
        """See the base class; here all taps are computed before the first is yielded."""
        return self._taps(self.normalize(images), self.tap_names[:depth])

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class; here all taps are computed before the first is yielded."""
        return self._taps(x, self.tap_names)

    def _taps(self, x: Tensor, names: Sequence[str]) -> Iterator[Tensor]:
        """These taps of normalized images."""
        low = self.low_precision
        precision = torch.autocast(x.device.type, low) if low and not x.is_meta else nullcontext()
        try:
            with precision:
                taps = call_outputs(self.module, x, names, self.copied, _as_map)
        except (RuntimeError, AssertionError, ValueError) as error:
            if x.is_meta:
                raise self._size_error(x.shape[-1], error) from None
            raise
        yield from (taps[name] for name in names)

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """See the base class; the features are those that the library's classifier takes."""
        pooled, logits = self._embed(self.module, self.normalize(images))
        return pooled.float(), logits if self.classes else None

    def input_dtype(self) -> torch.dtype:
        """float32 always: autocast does the rest."""
        return torch.float32

    def to_precision(self, dtype: torch.dtype) -> None:
        """See the base class; the weights stay in float32."""
        self.low_precision = None if dtype == torch.float32 else dtype


class Adapter(Hooked):
    """A model of a library by its name, with random weights."""

    def __init__(
        self,
        library: str,
        model: str,
        taps: TappedModules | None = None,
        resize: int | None = None,
        classes: int | None = None,
    ) -> None:
        loaded = LIBRARIES[library](model, resize, classes)
        super().__init__(f"{library}:{model}", loaded, taps, resize, classes)


def _as_map(tap: Tensor) -> Tensor:
    """B x N x C tokens -> B x C x N x 1, B x C -> B x C x 1 x 1; channels-last in memory."""
    if tap.ndim == 3:
        tap = tap.transpose(1, 2).unsqueeze(-1)
    elif tap.ndim == 2:
        tap = tap[:, :, None, None]
    return tap.contiguous(memory_format=torch.channels_last)


def _is_activation(module: nn.Module) -> bool:
    package, name = type(module).__module__, type(module).__name__
    packages = ("torch.nn.modules.activation", "timm.layers.activations")
    return package.startswith(packages) and not GATES.search(name)
