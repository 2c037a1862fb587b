"""Networks of other libraries, whose taps are read by hooks."""

from gfmn.networks.adapters.adapter import LIBRARIES, Adapter

__all__ = ["LIBRARIES", "Adapter"]
