"""Published networks that are fetched once for all studies of a user."""

import hashlib
import os
from pathlib import Path

from gfmn.weights.config import PublishedNetwork
from gfmn.weights.convert import save_fetched


def cached(name: str, network: PublishedNetwork, where: str) -> Path:
    """The network's file, fetched where it is not there yet; see `save_fetched`."""
    facts = network.model_dump_json(exclude={"source": {"path"}})
    path = folder() / f"{name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.safetensors"
    if not path.exists():
        save_fetched(path, name, network, where)
    return path


def folder() -> Path:
    """`GFMN_CACHE`, or the user's folder for such things."""
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("GFMN_CACHE") or f"{user}/gfmn").expanduser() / "networks"
