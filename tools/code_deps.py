"""The local source files that a stage script imports, directly or not: its code dependencies.

DVC hashes the dependencies that dvc.yaml names and does not follow imports; a test compares the
two. `python tools/code_deps.py` brings dvc.yaml's lists up to date, and the studies' copies of it:
DVC would read a link in a commit as the words that it consists of.
"""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def code_deps(script: str) -> list[str]:
    """Paths relative to the project's root, sorted; files without a statement do not count."""
    found: set[Path] = set()
    pending = [ROOT / script]
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        for module in _imported(path):
            pending += _files(module)
    found |= {data for path in found for data in _named_beside(path)}
    return sorted(str(p.relative_to(ROOT)) for p in found if _has_code(p))


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache  # once a file, not once a stage
def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def _files(module: str) -> list[Path]:
    """The module's file and the `__init__` of every package above it, where they are local."""
    parts = module.split(".")
    folder = ROOT if parts[0] == "gfmn" else ROOT / "stages"
    candidates = [folder.joinpath(*parts).with_suffix(".py")]
    candidates += [folder.joinpath(*parts[:n], "__init__.py") for n in range(1, len(parts) + 1)]
    return [path for path in candidates if path.is_file()]


@cache
def _named_beside(path: Path) -> list[Path]:
    """Data files in the module's folder that the module names in a string."""
    strings = [n.value for n in ast.walk(_parsed(path)) if isinstance(n, ast.Constant)]
    names = [s for s in strings if isinstance(s, str) and "." in s and len(s.split()) == 1]
    return [p for name in names if (p := path.parent / name).is_file() and p.suffix != ".py"]


@cache
def _has_code(path: Path) -> bool:
    if path.suffix != ".py":
        return True
    body = _parsed(path).body
    return any(not isinstance(getattr(node, "value", None), ast.Constant) for node in body)


def updated(pipeline: str) -> str:
    """The text of dvc.yaml with every stage's list of code as it should be."""
    lines: list[str] = []
    stage, listed = "", False
    for line in pipeline.splitlines():
        if heading := re.fullmatch(r"  ([a-z-]+):", line):
            stage, listed = heading[1], False
        if code := re.match(r"( +)- \$\{root\}/", line):
            if not listed:
                script = f"stages/{stage.replace('-', '_')}.py"
                lines += [f"{code[1]}- ${{root}}/{path}" for path in code_deps(script)]
            listed = True
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    pipeline = updated((ROOT / "dvc.yaml").read_text())
    for folder in (ROOT, *(path.parent for path in ROOT.glob("studies/*/params.yaml"))):
        (folder / "dvc.yaml").write_text(pipeline)
