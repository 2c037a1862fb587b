"""The order of gfmn's packages: each imports only from those below it."""

import pytest
from builders.imports import modules, package
from builders.project import ROOT

BELOW: dict[str, tuple[str, ...]] = {
    "common": (),
    "datasets": ("common",),
    "runtime": ("common",),
    "networks": ("common",),
    "generators": ("common",),
    "features": ("common", "networks", "runtime"),
    "sources": ("common", "datasets"),
    "shards": ("common", "datasets", "networks", "runtime", "features", "sources"),
    "weights": ("common", "networks"),
    "pretraining": ("common", "datasets", "networks", "generators", "runtime"),
    "training": ("common", "networks", "runtime", "generators", "features"),
    "baselines": ("common", "datasets", "networks", "runtime", "generators", "training"),
    "metrics": ("common", "datasets", "networks"),
    "reporting": ("common",),
}
BELOW |= {"study": tuple(BELOW), "sweeps": ("common", "study")}
EVERYTHING = tuple(BELOW)  # what `inference` and the command may use
BELOW |= {"inference": EVERYTHING}
BELOW |= dict.fromkeys(("commands", "library"), (*EVERYTHING, "inference"))
BELOW |= {"cli": (*EVERYTHING, "inference", "commands")}
FILES = sorted((ROOT / "gfmn").rglob("*.py"))


def test_packages_are_those_of_the_layout() -> None:
    found = {path.name for path in (ROOT / "gfmn").iterdir() if (path / "__init__.py").is_file()}
    assert found == BELOW.keys() - {"cli", "library"}
    modules_beside = {path.stem for path in (ROOT / "gfmn").glob("*.py")}
    assert modules_beside == {"__init__", "__main__", "cli", "library"}


@pytest.mark.parametrize("name", BELOW)
def test_package_imports_only_from_those_below_it(name: str) -> None:
    for path in FILES:
        if package(path, ROOT) != name:
            continue
        names = {module.split(".")[1] for module in modules(path) if module.startswith("gfmn.")}
        used = {used for used in names if (ROOT / "gfmn" / used).is_dir() or used in BELOW}
        assert used <= {name, *BELOW[name]}, path


def test_no_module_is_longer_than_one_reading() -> None:
    long = {path: n for path in FILES if (n := len(path.read_text().splitlines())) > 300}
    assert not long


def test_stage_scripts_are_thin() -> None:
    scripts = {path: len(path.read_text().splitlines()) for path in (ROOT / "stages").glob("*.py")}
    assert max(scripts.values()) <= 60, scripts
