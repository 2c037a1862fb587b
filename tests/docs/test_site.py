"""The documentation as a site: it builds without a warning, and leaves nothing out."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pipeline_figure
import pytest
from builders.project import ROOT, parameters
from markdown_it import MarkdownIt

import gfmn
from gfmn import cli
from gfmn.study import SECTIONS

PAGES = [
    *(ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"),
    *(*ROOT.glob("docs/*.md"), *ROOT.glob("studies/*/README.md")),
]
MATH = re.compile(r"\$\$.*?\$\$|\$[^$`\n]+\$", re.DOTALL)
BLOCKS = ("h1", "h2", "h3", "h4", "li", "ol", "pre", "strong", "table", "td", "th", "tr", "ul")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loaded = re.compile(r'<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)="?(?:https?:)?//[^>]*>')
    for path in site.rglob("*.html"):
        assert not loaded.findall(path.read_text()), path
    for path in site.glob("*.css"):
        assert "url(" not in path.read_text()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_page_has_the_blocks_that_a_code_host_shows(site: Path, path: Path) -> None:
    text = MATH.sub("x", re.sub(r"\A---\n.*?\n---\n", "", path.read_text(), flags=re.DOTALL))
    expected = _blocks(MarkdownIt("commonmark").enable("table").render(text))
    found = path.relative_to(ROOT).as_posix().removeprefix("docs/").replace("README", "index")
    shown = (site / found).with_suffix(".html").read_text()
    assert _blocks(shown[shown.index("<article") : shown.index("</article>")]) == expected


def _blocks(html: str) -> Counter[str]:
    return Counter(re.findall(rf"<({'|'.join(BLOCKS)})\b", html))


def test_reference_has_every_field_of_every_study(site: Path) -> None:
    shown = (site / "reference/params.html").read_text()
    for section in set(SECTIONS) - {"root"}:
        assert re.search(rf"<h2[^>]*>[^<]*\b{section}\b", shown), section
    for study in (ROOT, *ROOT.glob("studies/*")):
        for field in set(_fields(parameters(str(study)))):
            assert f"<td><code>{field}</code></td>" in shown, f"{study}: {field}"


def _fields(params: Mapping[str, Any]) -> Iterator[str]:
    """The names of fields in a parameter file, without those that name the study's own things."""
    for section, rows in params.items():
        if section in ("sampling", "metrics", "defaults", "baseline_defaults"):
            yield from rows
        elif section in ("extractors", "evaluators"):
            yield from (field for kind in rows.values() for row in kind.values() for field in row)
        elif section not in ("root", "report"):
            yield from (field for row in rows.values() for field in row)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_reference_has_every_option_of_the_command(
    name: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    page = (site / "reference/command.html").read_text()
    shown = page.split(f">gfmn {name}<a")[1].split("<h2")[0]
    for option in set(re.findall(r"(?m)^  (--[a-z-]+)", capsys.readouterr().out)):
        assert f"<code>{option}" in shown, option


def test_reference_has_every_name_of_the_library(site: Path) -> None:
    shown = (site / "reference/api.html").read_text()
    for name in gfmn.__all__:
        assert re.search(rf'<h3 id="gfmn\.[\w.]*\.{name}"', shown), name


def test_figure_of_the_pipeline_is_that_of_dvc_yaml() -> None:
    assert pipeline_figure.FIGURE.read_text() == pipeline_figure.figure()
