"""Importing this makes a stage script import the `gfmn` that lies beside its folder.

That is the code that DVC hashes: in the workspace, in an experiment's copy, in a git worktree and
in a second clone, whichever `gfmn` is installed in the environment.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
