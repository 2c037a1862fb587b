"""Sources of many files, each of which may be prepared as a shard."""

from abc import ABC
from typing import Any, ClassVar, Self

from gfmn.common.errors import InputError
from gfmn.sources.class_names import LabeledSource
from gfmn.sources.files import find_files, is_remote


class ShardedSource(LabeledSource, ABC):
    """A source whose `path` names one or many files of its own kind."""

    path: str
    # Every file is prepared as a shard of its own: for data sets that are measured, of any size.
    shards: bool = False

    ENDINGS: ClassVar[tuple[str, ...]]  # of its files in a folder
    KIND: ClassVar[str]  # what errors call its files

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """As any source; what shards cannot have is an `InputError` too."""
        config = super().parse(data, where)
        if config.shards and config.limit is not None:
            expected = "expected none with shards, of which any number can be named in path"
            raise InputError(f"{where}.limit: {expected}, found {config.limit}")
        if is_remote(config.path) and not config.shards:
            found = f"found {config.shards} with a URL".replace("False", "false")
            raise InputError(f"{where}.shards: expected true, {found}")
        return config

    def files(self, where: str) -> list[str]:
        """Paths or URLs, sorted; `InputError` where there are none."""
        return find_files(self.path, self.ENDINGS, self.KIND, f"{where}.path")
