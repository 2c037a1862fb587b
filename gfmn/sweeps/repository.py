"""The user's clone that a study lies in: what the clones of its points start from and share."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gfmn.common import paths
from gfmn.common.errors import InputError

AUTHOR = re.compile(r"(.*) <(.*)> \d+ [+-]\d+")


@dataclass(frozen=True)
class Repository:
    """A commit of git's, and what DVC has outside of it."""

    root: Path  # git's folder
    study: Path  # the study's, relative to it
    dvc: Path  # that of DVC's repository, relative to it
    commit: str
    author: tuple[str, str]  # name and address: an experiment is a commit
    cache: Path  # DVC's
    scratch: Path  # the study's checkpoints
    remote: bool  # whether DVC has a default one


def find(study: Path, changes: bool = False) -> Repository:
    """The repository of a study's folder; `changes` says whether it may have some.

    Raises `InputError` where git or DVC has none, where the study or a change is not committed, and
    where git does not know who commits.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCM

    try:
        repo = Repo(str(study))
    except NotDvcRepoError:
        raise InputError(f"{study}: expected a repository of DVC, found none; `dvc init`") from None
    with repo:
        if isinstance(repo.scm, NoSCM):
            expected = "expected a study in a repository of git, found one without"
            raise InputError(f"{study}: {expected}: `git init && dvc init --force`, then commit")
        root, folder = Path(repo.scm.root_dir).resolve(), study.resolve()
        for place, file in ((folder, "params.yaml"), (Path(repo.root_dir), ".dvc/config")):
            try:
                git(place, "cat-file", "-e", f"HEAD:./{file}")
            except subprocess.CalledProcessError:
                raise InputError(f"{place / file}: expected it in a commit, found none") from None
        found = git(root, "status", "--porcelain", "--untracked-files=no")
        if found and not changes:
            expected = "expected all changes committed, as every point starts from the commit"
            raise InputError(f"{root}: {expected}; found {found.splitlines()[0].strip()}")
        return Repository(
            root,
            _in(root, folder),
            _in(root, Path(repo.root_dir)),
            git(root, "rev-parse", "HEAD"),
            _author(root),
            Path(repo.cache.local_cache_dir).resolve(),
            (folder / paths.scratch()).resolve(),
            bool(repo.config["core"].get("remote")),
        )


def git(folder: Path, *words: str) -> str:
    """What git prints; raises `CalledProcessError`, with what git says as a note."""
    command = ["git", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
    return done.stdout.strip()


def experiments(study: Path, commit: str) -> dict[str, str]:
    """The experiments of DVC's that started from a commit, by name: git's names of theirs."""
    begin = f"refs/exps/{commit[:2]}/{commit[2:]}/"
    found = git(study, "for-each-ref", "--format=%(refname)", begin).split()
    return {name.removeprefix(begin): name for name in found}


def _in(root: Path, folder: Path) -> Path:
    return folder.resolve().relative_to(root)


def _author(root: Path) -> tuple[str, str]:
    try:
        found = AUTHOR.fullmatch(git(root, "var", "GIT_COMMITTER_IDENT"))
    except subprocess.CalledProcessError:
        found = None
    if found is None:
        raise InputError(f"{root}: expected git's user.name and user.email, found none")
    return found[1], found[2]
