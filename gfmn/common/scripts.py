"""The stages' scripts: where they are, and how `gfmn stage` starts one.

Nothing is imported that a stage might not need: every stage of a study begins here.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import gfmn
from gfmn.common import stage
from gfmn.common.config import suggest
from gfmn.common.errors import InputError

PACKAGE = Path(gfmn.__file__).parent
INSTALLED = "installed"  # the `root` of a study whose code is the installed version


def scripts() -> Path:
    """The folder of this code's scripts: in a wheel in the package, in a clone next to it."""
    inside = PACKAGE / "stages"
    return inside if inside.is_dir() else PACKAGE.parent / "stages"


def run_stage(words: Sequence[str]) -> None:
    """Run a stage's script: its name, and the entry that it builds.

    It is the one of the code that `root` of the study in this folder leads to. Where that is
    another clone's than this `gfmn`, the process becomes the script's.
    """
    name, *entry = words or [""]
    root = stage.read_params().get("root", ".")
    folder = scripts() if root == INSTALLED else Path(root) / "stages"
    known = sorted(path.stem.replace("_", "-") for path in folder.glob("*.py"))
    if name not in known or name == "checkout":
        known = [one for one in known if one != "checkout"]
        raise InputError(f"gfmn stage: no stage {name!r} in {folder}; {suggest(name, known)}")
    script = folder / f"{name.replace('-', '_')}.py"
    if folder.resolve() != scripts().resolve():
        os.execv(sys.executable, (sys.executable, str(script), *entry))
    sys.argv, sys.path[0] = [str(script), *entry], str(script.parent)
    runpy.run_path(str(script), run_name="__main__")
