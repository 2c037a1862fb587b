"""Networks of other libraries, whose taps are read by hooks."""

from gfmn.networks.adapters.adapter import LIBRARIES, Adapter, Hooked
from gfmn.networks.adapters.library_model import LibraryModel

__all__ = ["LIBRARIES", "Adapter", "Hooked", "LibraryModel"]
