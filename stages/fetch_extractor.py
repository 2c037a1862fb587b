"""Fetch a published network: `extractors.fetched.<NAME>` -> data/extractors/<NAME>.safetensors."""

import paths
import runner

from gfmn.converters import FetchedNetwork, fetch_network
from gfmn.extractor_file import save_extractor, summary


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = runner.section("extractors", "fetched", name)
    record = fetch_network(name, FetchedNetwork.parse(data, where), where)
    path = paths.extractor(name)
    save_extractor(path, [record])
    print(summary(path))


if __name__ == "__main__":
    runner.run(main)
