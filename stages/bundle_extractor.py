"""Merge two extractors: `extractors.bundled.<NAME>` -> data/extractors/<NAME>.safetensors."""

from pathlib import Path

import runner

from gfmn.extractor_file import Bundle, bundle, summary

FOLDER = Path("data/extractors")


def main(name: str) -> None:
    """Read both files, write one."""
    data, where = runner.section("extractors", "bundled", name)
    parts = Bundle.parse(data, where)
    path = FOLDER / f"{name}.safetensors"
    bundle([FOLDER / f"{part}.safetensors" for part in (parts.first, parts.second)], path)
    print(summary(path))


if __name__ == "__main__":
    runner.run(main)
