"""Fetch a published network: `extractors.fetched.<NAME>` -> data/extractors/<NAME>.safetensors."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.weights.config import FetchedNetwork
from gfmn.weights.convert import save_fetched


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = stage.section("extractors", "fetched", name)
    network = FetchedNetwork.parse(data, where)
    print(save_fetched(paths.extractor(name), name, network, where))


if __name__ == "__main__":
    stage.run(main)
