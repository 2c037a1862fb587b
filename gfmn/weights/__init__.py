"""Where weights come from: pinned sources, verified, and read without running what they name."""

from gfmn.weights.containers import read_pickled_arrays, read_state_dict
from gfmn.weights.fetching import fetch
from gfmn.weights.sources import (
    LocalFile,
    PackageFile,
    Source,
    TimmWeights,
    TorchvisionWeights,
    WebFile,
)

__all__ = [
    "LocalFile",
    "PackageFile",
    "Source",
    "TimmWeights",
    "TorchvisionWeights",
    "WebFile",
    "fetch",
    "read_pickled_arrays",
    "read_state_dict",
]
