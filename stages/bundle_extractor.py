"""Merge two extractors: `extractors.bundled.<NAME>` -> data/extractors/<NAME>.safetensors."""

import paths
import runner

from gfmn.extractor_file import Bundle, bundle, summary


def main(name: str) -> None:
    """Read both files, write one."""
    data, where = runner.section("extractors", "bundled", name)
    parts = Bundle.parse(data, where)
    path = paths.extractor(name)
    bundle([paths.extractor(part) for part in (parts.first, parts.second)], path)
    print(summary(path))


if __name__ == "__main__":
    runner.run(main)
