"""The doors for untrusted bytes: damaged files are read or refused in one line, never executed.

`tests/corpus/make.py` writes the files that the damage is done to.
"""

import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.project import ROOT
from corpus.make import MARKER, MEMBER, corpus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gfmn.common import array_files, json_reader, parameters, parquet_files, tensorfile
from gfmn.common.archives import read_members
from gfmn.common.errors import InputError
from gfmn.common.pickled_arrays import read_arrays
from gfmn.reporting.score_files import read_table
from gfmn.sources.decode import decode
from gfmn.sources.tar_files import members
from gfmn.weights.containers import read_state_dict

SECONDS, MEMORY = 10, 2 << 30  # of one file: what a door may take
CORPUS = ROOT / "tests/corpus"


def read_tensors(path: Path) -> None:
    tensorfile.read_metadata(path, "made-up")
    tensorfile.read_shapes(path, "tensors")
    tensorfile.read(path)


def read_array(path: Path) -> None:
    array_files.open_array(path).reshape(-1)[:3].tolist()


def read_member(path: Path) -> None:
    with path.open("rb") as file:
        read_members(file, [MEMBER], str(path), "an archive")


def read_tar(path: Path) -> None:
    for _, content in members(path, lambda name: True, str(path)):
        assert content is not None


def read_parquet(path: Path) -> None:
    read_table(path, ("seed", "score"))
    parquet_files.read_table(path.read_bytes(), str(path))


def read_image(path: Path) -> None:
    for raw in (path, path.read_bytes()):
        images, broken = decode([raw], 8, None)
        assert len(images) + len(broken) == 1
        for _, reason in broken:
            raise InputError(f"{path}: {reason}")


DOORS: dict[str, Callable[[Path], Any]] = {
    "json": json_reader.read,
    "yaml": parameters.read,
    "tensors": read_tensors,
    "array": read_array,
    "npz": lambda path: array_files.read_npz(path, ("data", "labels"), str(path)),
    "archive": read_member,
    "tar": read_tar,
    "pickle": lambda path: read_arrays(io.BytesIO(path.read_bytes()), str(path)),
    "weights": lambda path: read_state_dict(path.read_bytes(), str(path)),
    "parquet": read_parquet,
    "image": read_image,
}
FILES = {door: sorted((CORPUS / door).iterdir()) for door in DOORS}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def bounded() -> Iterator[None]:
    """Ends a door that takes too long or too much, and looks for what one left behind."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    handler = signal.signal(signal.SIGALRM, lambda *_: pytest.fail(f"over {SECONDS} s"))
    signal.alarm(30 * SECONDS)  # of the clock, on a machine that does much else
    start = sum(os.times()[:2])
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    assert sum(os.times()[:2]) - start < SECONDS
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (after - before) * 1024 < MEMORY
    assert [path.name for path in Path().iterdir()] == ["file"]  # no marker either


def refusal(door: str, content: bytes) -> str | None:
    """The line in which a door refuses a file; None where it reads it."""
    path = Path("file")
    path.write_bytes(content)
    with bounded():
        try:
            DOORS[door](path)
        except InputError as error:
            line = str(error)
            assert line.startswith("file: ") and line.isprintable() and len(line) < 500, line
            return line
    return None


@pytest.mark.parametrize("door", DOORS)
def test_corpus_is_read_or_refused_as_its_names_say(door: str) -> None:
    for path in FILES[door]:
        found = refusal(door, path.read_bytes())
        assert (found is not None) == path.name.startswith("refused-"), (path, found)
        if path.name == "refused-lfs" and door not in ("json", "yaml", "image"):
            assert found is not None and "a pointer of Git LFS" in found
        if path.name == "refused-page" and door not in ("json", "yaml", "image"):
            assert found is not None and "an HTML page" in found


NUMBERS = [b"\x00" * 4, b"\xff" * 4, b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x00\x00\x00\x80"]
PIECES = [*NUMBERS, b"[" * 300, b'{"a":' * 300, b"(" * 300, b"'", b'"', b"\\", b"\n", b"c", b"R."]
DAMAGE = st.tuples(
    st.sampled_from(["flip", "flip", "cut", "drop", "double", "put", "insert"]),
    st.floats(0, 1, exclude_max=True, width=32),
    st.integers(0, 255),
)


def damaged(content: bytes, kind: str, place: float, value: int) -> bytes:
    at = int(place * len(content))
    piece = PIECES[value % len(PIECES)]
    changes = {
        "flip": lambda: content[:at] + bytes([content[at] ^ (value or 1)]) + content[at + 1 :],
        "cut": lambda: content[:at],
        "drop": lambda: content[:at] + content[at + value :],
        "double": lambda: content[:at] + 2 * content[at : at + value] + content[at + value :],
        "put": lambda: content[:at] + piece + content[at + len(piece) :],
        "insert": lambda: content[:at] + piece + content[at:],
    }
    return changes[kind]() if content else piece


@pytest.mark.parametrize("door", DOORS)
def test_damaged_files_are_read_or_refused_in_one_line(door: str) -> None:
    contents = [path.read_bytes() for path in FILES[door] if len(path.read_bytes()) < 20_000]

    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(contents), st.lists(DAMAGE, min_size=1, max_size=4))
    def check(content: bytes, damages: list[tuple[str, float, int]]) -> None:
        for damage in damages:
            content = damaged(content, *damage)
        refusal(door, content)

    check()


def test_corpus_is_what_its_script_writes() -> None:
    written = {str(path.relative_to(CORPUS)) for door in FILES.values() for path in door}
    made = corpus()
    assert written == made.keys()
    exact = ("json/", "yaml/", "array/", "pickle/")  # the others' writers change with versions
    for name, content in made.items():
        assert not name.startswith(exact) or (CORPUS / name).read_bytes() == content, name
        assert (CORPUS / name).stat().st_size < 50_000


def test_payloads_of_the_corpus_run_where_they_are_loaded() -> None:
    np.load(CORPUS / "array/refused-objects.npy", allow_pickle=True)
    assert Path(MARKER).exists()
