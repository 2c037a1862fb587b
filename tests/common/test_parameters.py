"""Parameter files: what is refused, in one line that names the file."""

from pathlib import Path

import pytest

from gfmn.common import parameters
from gfmn.common.errors import InputError


def test_file_is_a_mapping_of_sections(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("runs: {a: {lr: 5e-05}}\nroot: ..\n")
    assert parameters.read(path, ["runs"]) == {"runs": {"a": {"lr": 5e-05}}, "root": ".."}


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ": expected a mapping of parameters, found None"),
        ("- 1\n", ": expected a mapping of parameters, found [1]"),
        ("a: [\n", ": expected YAML, found "),
        ("root: .\n", ": runs: expected a mapping, found nothing"),
        ("runs: [1]\n", ": runs: expected a mapping, found [1]"),
    ],
)
def test_wrong_content_is_one_line(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        parameters.read(path, ["runs"])
    assert str(error.value).startswith(f"{path}{line}") and "\n" not in str(error.value)


def test_missing_or_unreadable_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a study's parameters, found no file"):
        parameters.read(tmp_path / "params.yaml")
    with pytest.raises(InputError, match="expected a study's parameters, found: Is a directory"):
        parameters.read(tmp_path)
