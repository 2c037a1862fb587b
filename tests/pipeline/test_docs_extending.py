"""docs/extending.md: its edits fit the code as it is, and what they add is tested and runs."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from builders.extending_blocks import (
    PAGE,
    Block,
    additions,
    blocks,
    lists_to_extend,
    merge,
    rows,
)
from builders.image_sources import png
from builders.project import ROOT, parameters, project
from ruamel.yaml import YAML

TEXT = PAGE.read_text()
BLOCKS = blocks(TEXT)
ROWS = rows(BLOCKS)
ADDITIONS = additions(TEXT)  # by section
OWN_TESTS = [block.path for block in BLOCKS if block.path.startswith("tests/")]
WHOLE = (  # tests of the project that every addition must pass
    *("tests/test_packages.py", "tests/sources/test_sources.py", "tests/metrics/test_registry.py"),
    *("tests/training/test_config.py", "tests/training/test_objectives.py"),
    "tests/reporting/test_figures.py",
)
PARAMETRIZED = (  # and those that it must pass as one of their cases
    *("tests/networks/test_networks.py", "tests/generators/test_generators.py"),
    "tests/training/test_trainer.py",
)
CASES = ("vgg19_normalized", "modulated", "huber")
SLOW = (  # of these: trainings, and what no addition changes
    *("narrows_the_gap", "continues_bit_for_bit", "blur_of_photographs"),
    *("headline_is", "both_are_fid", "missing_seed", "only_where_measured"),
)
CONVOLUTIONS = {  # of the published file, by number: channels out and in
    **{2: (64, 3), 5: (64, 64), 9: (128, 64), 12: (128, 128), 16: (256, 128)},
    **{19: (256, 256), 22: (256, 256), 25: (256, 256), 29: (512, 256), 32: (512, 512)},
}
STAGES = (
    *("check_params", "prepare@shapes", "fetch_extractor@style"),
    *("extract_stats@shapes-style-eval", "train@style", "sample@style"),
    *("evaluator_from_extractor@lite2", "reference@shapes-lite2", "evaluate@style-lite2"),
    "report",
)
RUN_STAGES = """
import importlib, sys
import gfmn
print(gfmn.__file__)
for word in sys.argv[1:]:
    stage, *names = word.split("@")
    importlib.import_module(stage).main(*names)
"""


def run(folder: Path, *command: str, codes: tuple[int, ...] = (0,)) -> str:
    """What a command prints in the copy, which is the project that it imports."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (folder, folder / "stages"))),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode in codes, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after everything that the page says, up to the commands that run the study."""
    folder = tmp_path_factory.mktemp("extended")
    write_images(folder / ROWS["datasets"]["shapes"]["path"])
    digest = write_weights(folder / ROWS["extractors"]["fetched"]["style"]["source"]["path"])
    project(folder, study(digest))
    for name in ("tests", "benchmarks", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for block in BLOCKS:
        block.apply(folder)
    return folder


def write_weights(path: Path) -> str:
    """Random weights in the published layout; returns the file's sha256."""
    draw = torch.Generator().manual_seed(0)
    state = {"0.weight": torch.eye(3)[:, :, None, None], "0.bias": torch.full((3,), -0.5)}
    for number, (out, channels) in CONVOLUTIONS.items():
        weight = torch.randn(out, channels, 3, 3, generator=draw)
        state |= {f"{number}.weight": weight * (2 / (9 * channels)) ** 0.5}
        state |= {f"{number}.bias": torch.zeros(out)}
    path.parent.mkdir()
    torch.save(state, path)
    return sha256(path.read_bytes()).hexdigest()


def write_images(path: Path) -> None:
    """96 images of two classes in a zip archive."""
    draw = np.random.default_rng(0)
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(96):
            image = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            archive.writestr(f"shapes/{'ab'[i % 2]}/{i:02}.png", png(image))


def study(digest: str) -> dict[str, Any]:
    """The default study with the page's rows, small enough for a test and without downloads."""
    params = parameters()
    merge(params, rows(BLOCKS))
    source = params["extractors"]["fetched"]["style"]["source"]
    assert source["sha256"] == "<64 digits>"
    source["sha256"] = digest
    params["datasets"]["shapes"]["workers"] = 0
    params["statistics"]["shapes-style-eval"] |= {"precision": "fp32", "batch": 32}
    short = {"steps": 3, "batch": 8, "precision": "fp32", "log_every": 1, "grid_every": 2}
    params["runs"]["style"] |= short
    params["sampling"]["count"] = 64
    # The evaluator's weights are a download; the extractor stands for it.
    del params["evaluators"]["fetched"]["lite2"]
    params["evaluators"]["from_extractor"] = {"lite2": {"extractor": "style"}}
    return params


@pytest.mark.parametrize("section", ADDITIONS)
def test_addition_is_one_new_file_and_one_new_line(section: str, tmp_path: Path) -> None:
    addition = ADDITIONS[section]
    own = [b for b in BLOCKS if b.section == section and b.path.startswith("gfmn/")]
    edits = [block for block in own if block.language == "diff"]
    assert [block.path for block in own if block.language == "python"] == [addition.path]
    assert [block.path for block in edits] == list(addition.lists)
    assert not any(line.startswith("-") for block in edits for line in block.lines)
    line, *layout = edits
    assert len(line.added) == 1
    for block in layout:  # a function and its line
        tree = ast.parse("\n".join(block.added[:-1]))
        assert [type(node) for node in tree.body] == [ast.FunctionDef]
    assert bool(layout) == (section == "A network")

    shutil.copytree(ROOT / "gfmn", tmp_path / "gfmn")
    for block in own:  # without the other additions
        block.apply(tmp_path)


@pytest.mark.parametrize("section", ADDITIONS)
def test_stages_of_the_table_are_those_that_depend_on_the_files(section: str) -> None:
    addition = ADDITIONS[section]
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
    expected = set()
    for name, stage in stages.items():
        deps = stage.get("do", stage)["deps"]
        folders = [dep.removeprefix("${root}/") for dep in deps if dep.startswith("${root}/")]
        for path in (addition.path, *addition.lists):
            if any(PurePath(path).is_relative_to(folder) for folder in folders):
                expected.add(name)
    assert addition.stages == expected


def test_sections_are_those_of_the_table() -> None:
    assert list(ADDITIONS) == list(dict.fromkeys(b.section for b in BLOCKS))[:-1]
    assert len(ADDITIONS) == len(OWN_TESTS) == 6


def test_additions_are_linted_and_formatted_as_the_project(extended: Path) -> None:
    edited = sorted({block.path for block in BLOCKS if block.path.endswith(".py")})
    for words in (("check",), ("format", "--check")):
        run(extended, sys.executable, "-m", "ruff", *words, "--no-cache", *edited)


def test_additions_pass_their_tests_and_the_projects(extended: Path) -> None:
    chosen = " or ".join([*CASES, *(Path(path).stem for path in (*OWN_TESTS, *WHOLE))])
    chosen = f"({chosen}) and not ({' or '.join(SLOW)})"
    words = ["-p", "no:xdist", "-p", "no:cacheprovider", "-rA", "-k", chosen]
    files = (*OWN_TESTS, *WHOLE, *PARAMETRIZED)
    output = run(extended, sys.executable, "-m", "pytest", *words, *files, codes=(1,))
    outcomes = re.findall(r"^(PASSED|FAILED|ERROR) ([\w/.]+)::(\w+)(.*)", output, re.M)
    failed = {name for outcome, _, name, _ in outcomes if outcome != "PASSED"}
    assert failed == lists_to_extend(TEXT), output[-4000:]
    passed = [(path, name + case) for outcome, path, name, case in outcomes if outcome == "PASSED"]
    assert {path for path, _ in passed} == {*files}
    for case in CASES:
        assert any(f"[{case}]" in name for _, name in passed), case


def test_study_runs_from_the_archive_to_the_report(extended: Path) -> None:
    first, output = run(extended, sys.executable, "-c", RUN_STAGES, *STAGES).split("\n", 1)
    assert first == str(extended / "gfmn/__init__.py")
    (printed,) = (block for block in BLOCKS if block.language == "text")
    for line in printed.lines:
        pattern = re.escape(line).replace(re.escape("..."), ".+")
        assert re.search(f"^{pattern}$", output, re.M), (line, output)

    model = json.loads((extended / "data/models/style/seed-0/config.json").read_text())
    assert model["generator"] == "modulated" and model["parameters"]["objective"] == "huber"
    assert model["parameters"]["huber"] == {"delta": 0.5, "floor": 0.1}
    assert [tap["name"] for tap in model["taps"]][::8] == ["style.conv1_1", "style.conv4_1"]
    history = (extended / "reports/history/style/seed-0.tsv").read_text().splitlines()
    losses = [float(row.split("\t")[3]) for row in history[1:]]
    assert len(set(losses)) == len(losses) >= 3 and np.isfinite(losses).all()
    images = np.load(extended / "data/samples/style/seed-0.npy")
    assert images.shape == (64, 32, 32, 3) and images.dtype == np.uint8 and images.std() > 1

    scores = pq.read_table(extended / "data/scores/style-lite2.parquet").to_pylist()
    found = {row["score"]: row for row in scores}
    for name, title in (("density_lite2_64", "Density"), ("coverage_lite2_64", "Coverage")):
        assert (found[name]["title"], found[name]["direction"]) == (title, "higher")
        assert found[name]["decimals"] == 3 and found[name]["value"] >= 0
    reports = extended / "reports"
    header = (reports / "tables/style.csv").read_text().partition("\n")[0].split(",")
    assert {"density_lite2_64", "coverage_lite2_64"} <= {*header}
    drawn = (reports / "figures/precision-recall-lite2.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    page = (reports / "index.html").read_text()
    assert "Density" in page and 'id="precision-recall"' in page


def fenced(language: str, *lines: str) -> Block:
    (block,) = blocks("\n".join(["## A", f"```{language}", *lines, "```"]), "page.md")
    return block


@pytest.mark.parametrize(
    ("language", "lines", "message"),
    [
        ("python", ("# a.py", "x = 1"), "page.md:2: expected no a.py yet, found one"),
        ("diff", ("+++ b.py", " x"), "page.md:2: expected the file b.py, found none"),
        ("diff", ("+++ a.py", " z"), "expected the lines from 'z' on once in a.py, found them 0"),
        ("diff", ("+++ a.py", " x"), "expected the lines from 'x' on once in a.py, found them 2"),
        ("diff", ("+++ a.py", "+x"), "expected the lines from '' on once in a.py"),
        ("diff", ("+++ a.py", "x"), "page.md:2: expected lines that begin with"),
        ("python", ("x = 1",), "page.md:2: expected a first line # <file>, found 'x = 1'"),
    ],
)
def test_block_that_does_not_fit_is_refused(
    language: str, lines: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x\ny\nx\n")
    with pytest.raises(ValueError, match=re.escape(message)):
        fenced(language, *lines).apply(tmp_path)


def test_edit_changes_its_place_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x\ny\nx\nz\n")
    fenced("diff", "+++ a.py", " y", "-x", "+w", "+", "@@", "+v", " z").apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x\ny\nw\n\nv\nz\n"
