"""`lsun`: one category of LSUN from its LMDB folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from gfmn.common.bounds import SIDE
from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items

if TYPE_CHECKING:
    import lmdb


@SOURCES.register("lsun")
class Lsun(ImageSource):
    """About 3 million bedrooms, or another category's images; without labels."""

    image_size: int = Field(64, ge=8, le=SIDE)
    category: str = Field("bedroom", pattern=r"^\w+$")
    split: Literal["train", "val"] = "train"
    path: str | None = None  # data/downloads/lsun/<category>_<split>_lmdb unless given

    def open(self, where: str) -> Items:
        """Images (JPEG or WebP) in the order of their keys; nothing is written to the folder."""
        import lmdb

        name = f"{self.category}_{self.split}_lmdb"
        path = Path(self.path or f"data/downloads/lsun/{name}").expanduser()
        expected = f"{where}: {path}: expected the LMDB folder (data.mdb) of LSUN's {name}"
        data = path / "data.mdb" if path.is_dir() else path
        if not data.is_file():
            raise InputError(f"{expected}, found none; put it there, extracted from {name}.zip")
        try:
            # LMDB maps as much as the first page says; reading beyond the file's end is a fatal
            # signal, not an error, so the size is checked below.
            environment = lmdb.open(
                str(path), subdir=path.is_dir(), readonly=True, lock=False, readahead=False
            )
            last, page = environment.info()["last_pgno"], environment.stat()["psize"]
            total = environment.stat()["entries"]
        except lmdb.Error as error:
            raise InputError(f"{expected}, found: {error}") from None
        if data.stat().st_size < (last + 1) * page:
            found = f"{data.stat().st_size} bytes of {(last + 1) * page}"
            raise InputError(f"{expected}, found {found}: truncated")
        if not total:
            raise InputError(f"{expected}, found no images in it")
        return Items(_items(environment, expected), total)


def _items(environment: "lmdb.Environment", expected: str) -> Iterator[Item]:
    import lmdb

    try:
        with environment, environment.begin(buffers=False) as transaction:
            for key, value in transaction.cursor():
                yield Item(bytes(key).decode("ascii", "backslashreplace"), bytes(value), None)
    except lmdb.Error as error:
        raise InputError(f"{expected}, found: {error}") from None
