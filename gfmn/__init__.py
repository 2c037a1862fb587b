"""Generative Feature Matching Networks: generators trained by matching perceptual features.

Source: dos Santos, Mroueh, Padhi and Dognin, "Learning Implicit Generative Models by Matching
Perceptual Features", ICCV 2019, arXiv:1904.02762; "the paper" throughout this package.
"""

from typing import Any

__all__ = [
    "TrainedGenerator",
    "Update",
    "fit",
    "images",
    "load",
    "network",
    "save_reference",
    "score",
    "statistics",
]
METRICS = ("FrechetDistance", "KernelDistance", "PrecisionRecall")  # with the extra `metrics`


def __getattr__(name: str) -> Any:
    """The library's names, imported when they are first used: torch takes seconds."""
    from importlib import import_module

    if name in ("TrainedGenerator", "load"):  # need torch, numpy, safetensors and pydantic alone
        return getattr(import_module("gfmn.inference.generator"), name)
    if name in METRICS:
        extras = import_module("gfmn.inference.extras")  # not what a stage depends on
        with extras.optional_packages(f"gfmn.{name}"):
            return getattr(import_module("gfmn.inference.torch_metrics"), name)
    if name in __all__:
        return getattr(import_module("gfmn.library"), name)
    raise AttributeError(f"module 'gfmn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *METRICS])
