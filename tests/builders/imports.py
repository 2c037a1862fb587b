"""Which of the project's own files a Python file imports, directly or not."""

import ast
from functools import cache
from pathlib import Path


def imported_files(script: Path, root: Path) -> set[Path]:
    """Every file of `root` that running the script would read as code, the script itself too.

    Imports inside functions count. Scripts import each other by their bare names.
    """
    found: set[Path] = set()
    pending = [script]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += [file for module in modules(path) for file in _files(module, path, root)]
    return found


@cache
def modules(path: Path) -> frozenset[str]:
    """The dotted names that a file imports; those after `from m import` as `m.name` too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _files(module: str, importer: Path, root: Path) -> list[Path]:
    parts = module.split(".")
    folder = root if parts[0] == "gfmn" else importer.parent
    candidates = [folder.joinpath(*parts).with_suffix(".py")]
    candidates += [folder.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return [path for path in candidates if path.is_file()]


def package(path: Path, root: Path) -> str:
    """What of gfmn a file belongs to: the package's name, or the module's at its top."""
    inner = path.relative_to(root / "gfmn")
    return inner.parts[0] if len(inner.parts) > 1 else inner.stem
