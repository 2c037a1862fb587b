"""Where a package's archive is, by the simple repository API (PEP 503) and pip's own settings."""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

import requests

from gfmn.weights.config import PackageFile
from gfmn.weights.downloads import SECONDS, local_path, reason, without_secrets

DEFAULT_INDEX = "https://pypi.org/simple"  # pip's
SECTIONS = ("global", "download", ":env:")  # of pip's settings; later ones count


@dataclass(frozen=True)
class Link:
    """A file that an index or a folder offers."""

    url: str
    sha256: str | None  # None: it is not stated


def pip_settings() -> dict[str, str]:
    """pip's settings for downloads: its configuration files' and the PIP_ variables'."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    found = re.findall(r"^(global|download|:env:)\.([a-z-]+)=('.*'|\".*\")$", listed, re.MULTILINE)
    settings: dict[str, str] = {}
    for section in SECTIONS:
        settings |= {key: ast.literal_eval(value) for of, key, value in found if of == section}
    return settings


def request_options(settings: Mapping[str, str]) -> dict[str, Any]:
    """Those of `requests.get` that pip's settings ask for: certificates and a proxy."""
    options: dict[str, Any] = {}
    if "cert" in settings:
        options["verify"] = settings["cert"]
    if "client-cert" in settings:
        options["cert"] = settings["client-cert"]
    if "proxy" in settings:
        options["proxies"] = dict.fromkeys(("http", "https"), settings["proxy"])
    return options


def find_archives(source: PackageFile, settings: Mapping[str, str]) -> tuple[list[Link], list[str]]:
    """The archives of a package's kind and version, and for each place without one why.

    Those whose stated hash is the pinned one come first.
    """
    project = _normalized(source.package)
    places = settings.get("find-links", "").split()
    if settings.get("no-index", "").lower() not in ("1", "true", "yes", "on", "y", "t"):
        indexes = [settings.get("index-url", DEFAULT_INDEX)]
        indexes += settings.get("extra-index-url", "").split()
        places = [f"{index.rstrip('/')}/{project}/" for index in indexes] + places
    archives: list[Link] = []
    missing: list[str] = []
    for place in dict.fromkeys(places):
        try:
            found = [link for link in links(place, settings) if _is_archive(link.url, source)]
        except (OSError, ValueError) as error:
            missing.append(f"{without_secrets(place)} ({reason(error)})")
            continue
        archives += found
        if not found:
            missing.append(without_secrets(place))
    return sorted(archives, key=lambda link: link.sha256 != source.package_sha256), missing


def links(place: str, settings: Mapping[str, str]) -> list[Link]:
    """The files that a page links to, or that lie in a folder without a page.

    Raises `OSError` for a place that cannot be read.
    """
    path = local_path(place) or (None if "://" in place else Path(place).expanduser())
    if path is None:
        options = request_options(settings)
        headers = {"User-Agent": "gfmn", "Accept": "text/html"}
        response = requests.get(place, timeout=SECONDS, headers=headers, **options)
        response.raise_for_status()
        return _page_links(response.text, response.url)
    path = path.resolve()
    page = path / "index.html" if path.is_dir() else path
    if path.is_dir() and not page.is_file():
        return [Link(file.as_uri(), None) for file in sorted(path.iterdir())]
    return _page_links(page.read_text(), page.as_uri())


def _page_links(text: str, url: str) -> list[Link]:
    page = _Page()
    page.feed(text)
    found = []
    for target in page.targets:
        parts = urlsplit(urljoin(url, target))
        stated = re.search(r"(?:^|&)sha256=([0-9a-f]{64})", parts.fragment)
        found.append(Link(_with_login(parts._replace(fragment=""), url), stated and stated[1]))
    return found


def _with_login(parts: SplitResult, page: str) -> str:
    """A link's URL, with the page's user and password where both are on one host."""
    login, _, host = urlsplit(page).netloc.rpartition("@")
    if login and parts.netloc == host:
        parts = parts._replace(netloc=f"{login}@{host}")
    return urlunsplit(parts)


class _Page(HTMLParser):
    """Collects the targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for key, value in attrs if key == "href" and value]


def _is_archive(url: str, source: PackageFile) -> bool:
    """Whether a file's name says the package, the version and the kind."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    wanted = _normalized(f"{source.package}-{source.version}")
    if source.kind == "wheel":  # name-version[-build]-python-abi-platform.whl
        return name.endswith(".whl") and _normalized("-".join(name.split("-")[:2])) == wanted
    stem = re.sub(r"\.(tar\.(gz|bz2|xz)|tgz|zip)$", "", name)
    return stem != name and _normalized(stem) == wanted


def _normalized(name: str) -> str:
    return re.sub(r"[-_.+]+", "-", name).lower()
