"""What a study made by `gfmn new` has apart from the user's choices: `profiles.yaml`."""

from importlib import resources
from typing import Any

from gfmn.common import runs, yaml_reader


def templates(network: str) -> dict[str, Any]:
    """Networks, the settings of every study, and the profiles, for a network's name."""
    text = resources.files("gfmn.study").joinpath("profiles.yaml").read_text()
    return dict(yaml_reader.load(text.replace("<network>", network), "profiles.yaml"))


def published_networks() -> dict[str, Any]:
    """Networks that have a name, each as a study's `extractors.fetched` would have it."""
    return dict(templates("x")["networks"])


def defaults(profile: str) -> dict[str, Any]:
    """A run's parameters by a profile, without its inputs and seeds."""
    every = templates("x")
    chosen = every["profiles"][profile]
    settings = runs.merged(every["study"]["defaults"], chosen["study"]["defaults"])
    del settings["seeds"]
    return settings | {"steps": chosen["run"]["steps"]}
