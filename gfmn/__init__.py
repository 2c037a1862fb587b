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
    "score",
    "statistics",
]


def __getattr__(name: str) -> Any:
    """The library's names, imported when they are first used: torch takes seconds."""
    if name not in __all__:
        raise AttributeError(f"module 'gfmn' has no attribute {name!r}")
    from importlib import import_module

    light = name in ("TrainedGenerator", "load")  # need neither DVC nor readers of images
    return getattr(import_module("gfmn.inference.generator" if light else "gfmn.library"), name)
