"""git and DVC as a user calls them."""

import os
import re
import subprocess
import sys
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=Team", "-c", "user.email=team@example.org")
    command = ["git", *names, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def done(folder: Path, *words: str) -> str:
    """The output of a `dvc` command that must succeed."""
    code, output = dvc(folder, *words)
    assert code == 0, output
    return output


ROOT = Path(__file__).resolve().parents[2]


def dvc(folder: Path, *words: str) -> tuple[int, str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GFMN_COMPILE": "0",
        "DVC_NO_ANALYTICS": "true",
    }
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))
