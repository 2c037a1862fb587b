"""A member of a pinned package, delivered by pip."""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.weights.sources import PackageFile, verify, way_out


def fetch_member(source: PackageFile, where: str) -> bytes:
    """The member's bytes, from an archive of the pinned hash; the bytes are yet to be verified.

    `where` begins every error, an `InputError`: no network, a missing member, another hash.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = _download(source, Path(folder), where)
        return _read_member(archive, source, where)


def _download(source: PackageFile, folder: Path, where: str) -> Path:
    requirement = f"{source.package}=={source.version}"
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{requirement} --hash=sha256:{source.package_sha256}\n")
    downloads = folder / "downloads"
    # Of this package alone: with `:all:` pip would also build an sdist's build tools from source.
    only = "--only-binary" if source.kind == "wheel" else "--no-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-color", "--no-input", "--no-deps", only, source.package, "--require-hashes"]
    command += ["--dest", str(downloads), "--requirement", str(pinned)]
    result = subprocess.run(command, capture_output=True, text=True)
    archives = sorted(downloads.glob("*")) if downloads.is_dir() else []
    if result.returncode != 0 or len(archives) != 1:
        reason = _last_error(result.stderr) or f"pip ended with code {result.returncode}"
        raise InputError(
            f"{where}: expected the {source.kind} {requirement} with sha256 "
            f"{source.package_sha256} from pip, found: {reason}{way_out(where, source.member)}"
        )
    verify(archives[0].read_bytes(), source.package_sha256, f"{where}: {archives[0].name}")
    return archives[0]


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    found = [line.split()[-1] for line in lines if line.startswith("Got ")]
    if found:
        return f"sha256 {found[-1]}"
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""


def _read_member(archive: Path, source: PackageFile, where: str) -> bytes:
    name = f"{where}: {archive.name}"
    try:
        if source.kind == "wheel":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(source.member)
        with tarfile.open(archive) as sdist:
            member = sdist.extractfile(source.member)
            if member is None:
                raise KeyError(source.member)
            return member.read()
    except KeyError:
        raise InputError(f"{name}: expected the member {source.member}, found none") from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{name}: expected a {source.kind}, found: {error}") from None
