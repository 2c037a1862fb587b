"""combine-extractors@<extractor>: the networks of two extractors as one extractor file."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.networks.extractor_file import CombinedExtractor, combine, summary


def main(name: str) -> None:
    """Read both files, write one."""
    data, where = stage.section("extractors", "combined", name)
    parts = CombinedExtractor.parse(data, where)
    path = paths.extractor(name)
    combine([paths.extractor(part) for part in parts.networks], path)
    print(summary(path))


if __name__ == "__main__":
    stage.run(main)
