"""Which source a word of a command line means."""

from pathlib import Path
from typing import Any

from gfmn.common.errors import InputError

TORCHVISION = "torchvision:"


def row_of(word: str, where: str) -> dict[str, Any]:
    """The row of `datasets` for a folder, an array, parquet or tar files, `torchvision:<class>`.

    Raises `InputError`, which begins with `where`, for anything else.
    """
    if word.startswith(TORCHVISION):
        name = word.removeprefix(TORCHVISION)
        return {"source": "torchvision", "class": name, "download": True}
    path = Path(word).expanduser()
    if path.suffix == ".npy":
        kind = "npy"
    elif path.suffix == ".parquet" or (path.is_dir() and any(path.glob("*.parquet"))):
        kind = "parquet"
    elif path.suffix == ".tar" or (path.is_dir() and any(path.glob("*.tar"))):
        kind = "webdataset"
    elif path.is_dir():
        kind = "folder"
    else:
        found = "another file" if path.exists() else "nothing"
        expected = "a folder of images, an .npy array, parquet or tar files"
        raise InputError(f"{where}: {word}: expected {expected}, found {found}")
    return {"source": kind, "path": word}
