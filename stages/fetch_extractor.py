"""Fetch a published network: `extractors.fetched.<NAME>` -> data/extractors/<NAME>.safetensors."""

import paths
import runner

from gfmn.converters import FetchedNetwork, save_fetched


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = runner.section("extractors", "fetched", name)
    network = FetchedNetwork.parse(data, where)
    print(save_fetched(paths.extractor(name), name, network, where))


if __name__ == "__main__":
    runner.run(main)
