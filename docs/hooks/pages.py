"""What mkdocs.yml cannot say: files from outside of docs/, pages made from the code, equations.

A link works in the site as it does on a code host: the file that it names is in the site too.
"""

import posixpath
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import command_reference
import parameter_reference
from docutils.utils.math.latex2mathml import tex2mathml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)\s]*)?(\))")
EQUATION = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
CELL = re.compile(r"<td.*?</td>", re.DOTALL)
CODE = re.compile(r"(?<=<code>)[^<]*")
MADE = {
    "<!-- parameters -->": parameter_reference.page,
    "<!-- commands -->": command_reference.page,
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file that a page links to, and those that they link to."""
    waiting = [file for file in files if file.is_documentation_page()]
    while waiting:
        file = waiting.pop()
        for path in _linked(_source(file), file.content_string):
            if files.get_file_from_path(_place(path)) is None:
                new = File(path, str(ROOT), config.site_dir, config.use_directory_urls)
                files.append(new)
                waiting += [new] if new.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at the linked files' places in the site; fill in what is made from the code."""
    folder, source = posixpath.dirname(page.file.src_uri), _source(page.file)

    def moved(link: re.Match[str]) -> str:
        before, target, anchor, after = link.groups(default="")
        path = _resolved(source, target)
        target = posixpath.relpath(_place(path), folder) if path else target
        return before + target + anchor + after

    markdown = LINK.sub(moved, markdown)
    for marker, make in MADE.items():
        if marker in markdown:
            markdown = markdown.replace(marker, make())
    return markdown


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Equations as MathML, which browsers draw by themselves; code in tables, see below."""
    return EQUATION.sub(_mathml, CELL.sub(lambda cell: CODE.sub(_code, cell[0]), content))


def _code(found: re.Match[str]) -> str:
    """Code in a table: `\\|` is a bar there on a code host, and a path may be broken at a slash."""
    return found[0].replace(r"\|", "|").replace("/", "/<wbr>")


def _mathml(found: re.Match[str]) -> str:
    block = found[1] == "div"
    equation = tex2mathml(unescape(found[2]), as_block=block)
    return f'<div class="equation">{equation}</div>' if block else equation


def _linked(source: str, markdown: str) -> Iterator[str]:
    for link in LINK.finditer(markdown):
        if path := _resolved(source, link[2]):
            yield path


def _resolved(source: str, target: str) -> str | None:
    """The path in the repository that a link of the file `source` names, where there is one."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    return path if not path.startswith("..") and (ROOT / path).is_file() else None


def _source(file: File) -> str:
    """A page's path in the repository."""
    return Path(str(file.abs_src_path)).relative_to(ROOT).as_posix()


def _place(path: str) -> str:
    """Where a file of the repository is in the site; the README's place has the home page."""
    return "index.md" if path == "README.md" else path.removeprefix("docs/")
