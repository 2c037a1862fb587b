"""Each kind of file enters by one function: the modules that call its readers are listed here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.imports import modules
from builders.project import ROOT

FILES = sorted([*(ROOT / "gfmn").rglob("*.py"), *(ROOT / "stages").glob("*.py")])
# What opens a kind of file, and where that is done.
READERS = {
    ("json.load", "json.loads"): {"common/json_reader.py"},
    ("yaml.load", "yaml.safe_load"): {
        "common/yaml_reader.py",
        "study/pipeline.py",  # a file of this package
    },
    ("np.load", "np.fromfile", "np.loadtxt"): {
        "common/array_files.py",
        "sources/stl10.py",  # labels of a verified hash
    },
    ("zipfile.ZipFile", "tarfile.open"): {
        "common/archives.py",
        "sources/tar_files.py",
        "inference/real_statistics.py",  # with bounds of its own
    },
    ("pq.ParquetFile", "pq.read_table", "pd.read_parquet"): {"common/parquet_files.py"},
    ("safetensors.safe_open", "safetensors.torch.load", "load_file", "safe_open"): {
        "common/tensorfile.py"
    },
    ("Image.open",): {
        "sources/decode.py",
        "common/images.py",
        "sources/photos.py",  # of installed packages
        "reporting/figures/figure.py",  # its own drawing
    },
    ("torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler"): set(),
    ("pickletools.genops",): {"common/pickles.py"},
}


def calls(path: Path) -> Iterator[str]:
    """The dotted names of what a file calls, but for JSON of values that it has just written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            written = [ast.unparse(arg.func) for arg in node.args if isinstance(arg, ast.Call)]
            if written != ["json.dumps"]:
                yield ast.unparse(node.func)


@pytest.mark.parametrize("names", READERS, ids=lambda names: names[0])
def test_readers_of_a_kind_are_called_in_its_door_alone(names: tuple[str, ...]) -> None:
    found = {
        str(path.relative_to(ROOT)).removeprefix("gfmn/")
        for path in FILES
        if set(names) & set(calls(path))
    }
    assert found == READERS[names]


def test_no_module_can_load_a_pickle() -> None:
    for path in FILES:
        assert not {"pickle", "dill", "joblib", "cloudpickle", "marshal"} & modules(path), path
