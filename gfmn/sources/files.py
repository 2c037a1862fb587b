"""The files that a path, a pattern or a URL names, and one of them at a time on this machine."""

import glob
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gfmn.common.bounds import COUNT
from gfmn.common.errors import InputError
from gfmn.common.regular_files import one_line
from gfmn.common.text import without_secrets

PROTOCOLS = ("s3", "gs", "az", "abfs", "https", "http", "file", "memory")
RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
LARGEST = 256 << 30  # bytes of a file that is fetched
PATTERN = re.compile(r"[*?\[]")


def is_remote(path: str) -> bool:
    """Whether a path is a URL."""
    return "://" in path


def find_files(path: str, endings: Sequence[str], kind: str, where: str) -> list[str]:
    """The files of a path, a folder (at any depth), a pattern or a URL, sorted.

    `{000..012}` stands for each of these numbers, whose files must all be there. `endings`: of the
    names in a folder. Raises `InputError` for none; it begins with `where` and calls them `kind`.
    """
    if RANGE.search(path):
        found = _numbered(path, where)
        for file in found if not is_remote(path) else ():
            if not Path(file).is_file():
                raise InputError(f"{where}: {file}: expected a file, found nothing")
    else:
        found = _find(path, endings, where)
    if not found:
        folder = not is_remote(path) and Path(path).expanduser().is_dir()
        what = "none in this folder" if folder else "nothing"
        shown = without_secrets(path)
        raise InputError(f"{where}: {shown}: expected one or many {kind}, found {what}")
    return found


def _numbered(path: str, where: str) -> list[str]:
    parts, choices = RANGE.split(str(Path(path).expanduser()) if path[:1] == "~" else path), []
    for first, last in zip(parts[1::3], parts[2::3], strict=True):
        numbers = range(int(first), int(last) + 1)
        if len(numbers) > COUNT:
            raise InputError(f"{where}: expected at most {COUNT:,} files, found {len(numbers):,}")
        choices.append([str(number).zfill(len(first)) for number in numbers])
    found = []
    for chosen in itertools.islice(itertools.product(*choices), COUNT + 1):
        texts = itertools.zip_longest(parts[::3], chosen, fillvalue="")
        found.append("".join(itertools.chain.from_iterable(texts)))
    if len(found) > COUNT:
        raise InputError(f"{where}: expected at most {COUNT:,} files, found more")
    return found


def _find(path: str, endings: Sequence[str], where: str) -> list[str]:
    if is_remote(path):
        return _find_remote(path, endings, where)
    root = Path(path).expanduser()
    if root.is_file():
        return [str(root)]
    if root.is_dir():
        return sorted(str(p) for p in root.rglob("*") if p.name.endswith(tuple(endings)))
    return sorted(glob.glob(str(root), recursive=True))  # noqa: PTH207 - absolute


def _find_remote(url: str, endings: Sequence[str], where: str) -> list[str]:
    with _remote(url, where) as (system, root):
        if PATTERN.search(root):
            names = system.glob(root)
        elif system.isdir(root):
            names = [name for name in system.find(root) if name.endswith(tuple(endings))]
        else:
            return [url]
        return sorted(map(system.unstrip_protocol, names))


@contextmanager
def _remote(url: str, where: str) -> Iterator[tuple[Any, str]]:
    """A URL's file system and its path there; what fails there is an `InputError`."""
    import fsspec

    begin = f"{where}: {without_secrets(url)}"
    protocol = url.partition("://")[0]
    if protocol not in PROTOCOLS:  # one of many would run a program, or unpack what it finds
        raise InputError(f"{begin}: expected one of {', '.join(PROTOCOLS)}, found {protocol!r:.40}")
    try:
        yield fsspec.core.url_to_fs(url)
    except InputError:
        raise
    except ImportError as error:
        package = "pip install 'gfmn[s3]'" if protocol == "s3" else one_line(error)
        raise InputError(f"{begin}: expected the package for {protocol}: {package}") from None
    except Exception as error:  # each file system raises its own
        reason = without_secrets(getattr(error, "strerror", None) or one_line(error))
        raise InputError(f"{begin}: expected a file that can be read, found: {reason}") from None


def version(file: str, where: str) -> str:
    """What changes with a file's content, without reading it; `InputError` for a missing file."""
    if not is_remote(file):
        try:
            found = Path(file).stat()
        except OSError as error:
            expected = f"{file}: expected a file that can be read"
            raise InputError(f"{where}: {expected}, found: {error.strerror}") from None
        return f"{found.st_size} {found.st_mtime_ns}"
    with _remote(file, where) as (system, root):
        info = system.info(root)
        dated = (
            info.get(key) for key in ("ETag", "etag", "md5", "mtime", "LastModified", "created")
        )
        return f"{info.get('size')} {next((str(one) for one in dated if one), '')}"


@contextmanager
def on_disk(file: str, folder: Path, where: str) -> Iterator[Path]:
    """A file here; one of a URL is fetched into `folder` and removed in the end."""
    if not is_remote(file):
        yield Path(file).absolute()
        return
    with _remote(file, where) as (system, root):
        path, size = folder.absolute() / Path(root).name, system.info(root).get("size")
        if size is not None and size > LARGEST:
            begin = f"{where}: {without_secrets(file)}"
            raise InputError(f"{begin}: expected at most {LARGEST:,} bytes, found {size:,}")
        system.get_file(root, str(path))
    try:
        if size is not None and path.stat().st_size != size:
            begin, found = f"{where}: {without_secrets(file)}", path.stat().st_size
            raise InputError(f"{begin}: expected {size:,} bytes, found {found:,}")
        yield path
    finally:
        path.unlink(missing_ok=True)
