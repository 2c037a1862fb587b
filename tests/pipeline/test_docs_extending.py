"""docs/extending.md: its edits fit the code as it is, and what they add is tested, and trains."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import code_deps
import numpy as np
import pytest
import torch
from builders.extending_blocks import PAGE, Block, blocks, merge, parameters, table
from PIL import Image
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
TEXT = PAGE.read_text()
BLOCKS = blocks(TEXT)
ADDED = table(TEXT)  # by section
# Besides the page's own files: what the project asks of every network, objective, generator, ...
ASKED = (
    *("vgg19_normalised", "modulated", "published_codes_settings"),
    *("every_source_is_named", "exactly_the_fields"),
)
CONVOLUTIONS = {  # of the published file, by number: channels out and in
    **{2: (64, 3), 5: (64, 64), 9: (128, 64), 12: (128, 128), 16: (256, 128)},
    **{19: (256, 256), 22: (256, 256), 25: (256, 256), 29: (512, 256), 32: (512, 512)},
}
STAGES = (
    *("check_params", "prepare@shapes", "fetch_extractor@style"),
    *("extract_stats@shapes-style-eval", "train@style", "sample@style"),
)
RUN_STAGES = """
import importlib, sys
import gfmn
print(gfmn.__file__)
for word in sys.argv[1:]:
    stage, *names = word.split("@")
    importlib.import_module(stage).main(*names)
"""


def project(folder: Path) -> Path:
    """A copy of the code and the parameters."""
    for name in ("gfmn", "stages", "tools", "benchmarks", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    studies = [path.relative_to(ROOT) for path in ROOT.glob("studies/*/params.yaml")]
    for path in (Path("dvc.yaml"), Path("params.yaml"), Path("pyproject.toml"), *studies):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    return folder


def run(folder: Path, *command: str) -> str:
    """What a command prints in the copy, which is the project that it imports."""
    found = [folder, folder / "stages"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, found)),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GFMN_COMPILE": "0",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after everything that the page says, up to the commands that run the study."""
    folder = project(tmp_path_factory.mktemp("extended"))
    for block in BLOCKS:
        block.apply(folder)
    for block in BLOCKS:
        for line in block.lines if block.language == "sh" else ():
            if line.startswith(("sed ", "python tools/")):
                run(folder, "sh", "-c", line)
    return folder


def listed(folder: Path) -> dict[str, set[str]]:
    """The code that each stage of a copy imports, as `python tools/code_deps.py` finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_deps, "ROOT", folder)
        scripts = {name: f"stages/{name.replace('-', '_')}.py" for name in PIPELINE}
        return {name: set(code_deps.code_deps(script)) for name, script in scripts.items()}


def declared(pipeline: str) -> dict[str, set[str]]:
    """The code that each stage names in the text of a dvc.yaml."""
    found = {}
    for name, stage in YAML(typ="safe").load(pipeline)["stages"].items():
        deps = stage.get("do", stage)["deps"]
        found[name] = {d.removeprefix("${root}/") for d in deps if d.startswith("${root}")}
    return found


PIPELINE = tuple(declared((ROOT / "dvc.yaml").read_text()))  # names of stages


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The code that each stage depends on without the page's."""
    return listed(project(tmp_path_factory.mktemp("before")))


@pytest.mark.parametrize("section", ADDED)
def test_each_example_stands_alone_and_reruns_the_stages_that_the_table_names(
    section: str, before: dict[str, set[str]], tmp_path: Path
) -> None:
    path, expected = ADDED[section]
    folder = project(tmp_path / "alone")
    for block in BLOCKS:
        if block.section == section:
            block.apply(folder)
    after = listed(folder)
    gained = {name: files - before[name] for name, files in after.items()}
    assert {name for name, files in gained.items() if files} == expected
    assert set.union(*gained.values()) == {path}
    assert all(before[name] <= files for name, files in after.items())


def test_the_pages_commands_leave_a_pipeline_that_lists_all_its_code(extended: Path) -> None:
    names = declared((extended / "dvc.yaml").read_text())
    assert names == listed(extended)
    assert {path for path, _ in ADDED.values()} <= set.union(*names.values())


def test_what_the_page_adds_is_formatted_and_linted_as_the_project_is(extended: Path) -> None:
    edited = sorted({b.path for b in BLOCKS if b.path.endswith(".py")})
    for words in (("check",), ("format", "--check")):
        run(extended, sys.executable, "-m", "ruff", *words, "--no-cache", *edited)


def test_the_pages_tests_pass_and_so_do_those_that_every_addition_must(extended: Path) -> None:
    own = [Path(b.path).stem for b in BLOCKS if b.language == "python" and b.path[:6] == "tests/"]
    files = ("networks", "datasets", "objectives", "generators", "pipeline")
    known = [f"tests/test_{name}.py" for name in files]
    words = ["-p", "no:xdist", "-p", "no:cacheprovider", "-rA", "-k", " or ".join([*own, *ASKED])]
    output = run(
        extended, sys.executable, "-m", "pytest", *words, *(f"tests/{n}.py" for n in own), *known
    )
    passed = re.findall(r"^PASSED (.*)$", output, re.M)
    for name in (*own, *ASKED):
        assert any(name in line for line in passed), name


def published(path: Path) -> str:
    """Random weights in the published layout; returns the file's sha256."""
    draw = torch.Generator().manual_seed(0)
    state = {"0.weight": torch.eye(3)[:, :, None, None], "0.bias": torch.full((3,), -0.5)}
    for number, (out, channels) in CONVOLUTIONS.items():
        weight = torch.randn(out, channels, 3, 3, generator=draw)
        state |= {f"{number}.weight": weight * (2 / (9 * channels)) ** 0.5}
        state |= {f"{number}.bias": torch.zeros(out)}
    torch.save(state, path)
    return sha256(path.read_bytes()).hexdigest()


def pictures(path: Path) -> None:
    """96 pictures of two classes in a zip archive."""
    draw = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(96):
            picture = draw.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
            file = BytesIO()
            Image.fromarray(picture).save(file, "PNG")
            archive.writestr(f"shapes/{'ab'[i % 2]}/{i:02}.png", file.getvalue())


def study(params: dict[str, Any], digest: str) -> dict[str, Any]:
    """The default study with the page's rows, small enough for a test."""
    assert all(run["huber"] == {"delta": 1.0, "floor": 0.1} for run in params["runs"].values())
    rows = parameters(BLOCKS)
    for name, row in rows["runs"].items():
        params["runs"][name] = copy.deepcopy(params["runs"]["running"])
        merge(params["runs"][name], row)
    source = rows["extractors"]["fetched"]["style"]["source"]
    assert source["sha256"] == "<64 digits>"
    source["sha256"] = digest
    merge(params, {key: value for key, value in rows.items() if key != "runs"})
    params["datasets"]["shapes"]["workers"] = 0
    params["statistics"]["shapes-style-eval"] |= {"precision": "fp32", "batch": 32}
    short = {"steps": 3, "batch": 8, "precision": "fp32", "log_every": 1, "grid_every": 2}
    params["runs"]["style"] |= short
    params["runs"]["style"]["sample"]["count"] = 64
    return params


def test_the_pages_study_is_accepted_and_runs_from_the_archive_to_samples(extended: Path) -> None:
    for name in ("weights", "pictures"):
        (extended / name).mkdir()
    pictures(extended / "pictures/shapes.zip")
    path = extended / "params.yaml"
    params = study(YAML(typ="safe").load(path.read_text()), published_in(extended))
    with path.open("w") as file:
        YAML().dump(params, file)
    first, output = run(extended, sys.executable, "-c", RUN_STAGES, *STAGES).split("\n", 1)
    assert first == str(extended / "gfmn/__init__.py")
    (said,) = (block for block in BLOCKS if block.language == "text")
    for line in said.lines:
        pattern = re.escape(line).replace(re.escape("..."), ".+")
        assert re.search(f"^{pattern}$", output, re.M), (line, output)

    model = extended / "data/models/style/seed-0"
    about = json.loads((model / "config.json").read_text())
    assert (about["generator"], about["parameters"]["objective"]) == ("modulated", "huber")
    assert about["parameters"]["huber"] == {"delta": 1.0, "floor": 0.1}
    assert [tap["name"] for tap in about["taps"]][::8] == ["style.conv1_1", "style.conv4_1"]
    rows = (extended / "reports/history/style/seed-0.tsv").read_text().splitlines()
    losses = [float(row.split("\t")[3]) for row in rows[1:]]
    assert len(set(losses)) == len(losses) >= 3 and np.isfinite(losses).all()
    images = np.load(extended / "data/samples/style/seed-0.npy")
    assert images.shape == (64, 32, 32, 3) and images.dtype == np.uint8 and images.std() > 1


def published_in(folder: Path) -> str:
    return published(
        folder / parameters(BLOCKS)["extractors"]["fetched"]["style"]["source"]["path"]
    )


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
def test_a_block_that_does_not_fit_is_refused(
    language: str, lines: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x\ny\nx\n")
    with pytest.raises(ValueError, match=re.escape(message)):
        fenced(language, *lines).apply(tmp_path)


def test_an_edit_changes_its_place_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x\ny\nx\nz\n")
    fenced("diff", "+++ a.py", " y", "-x", "+w", "+", "@@", "+v", " z").apply(tmp_path)
    assert (tmp_path / "a.py").read_text() == "x\ny\nw\n\nv\nz\n"
