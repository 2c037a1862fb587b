"""Importing this makes a stage script import the `gfmn` that lies next to its folder, or refuse.

That is the code that DVC hashes: in the workspace, in an experiment's copy, in a git worktree and
in a second clone, whichever `gfmn` is installed in the environment.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # in a wheel the package itself

sys.path.insert(0, str(ROOT))
package = find_spec("gfmn")
found = Path(package.origin).parent.resolve() if package and package.origin else None
if found not in (ROOT, (ROOT / "gfmn").resolve()):
    sys.exit(f"error: {ROOT / 'gfmn'}: expected the code of the stages, found {found or 'none'}")
if find_spec("torch") is None or find_spec("pydantic") is None:
    hint = f"found none in {sys.executable}; `make repro` sets up .venv, whose bin goes on PATH"
    sys.exit(f"error: expected a Python with the project's packages, {hint}")
