"""The scores that the paper publishes, for comparison with a study's own, and their sources."""

from functools import cache
from importlib import resources
from typing import Any

import pydantic

from gfmn.common import yaml_reader
from gfmn.common.config import Config

PAPER = "dos Santos et al., ICCV 2019"
DATASETS = {"cifar10": "CIFAR-10", "stl10": "STL-10"}
HALVES = {f"table4_{dataset}": dataset for dataset in DATASETS}  # of Table 4, by data set


class Published(Config):
    """Scores of one row on one data set, in Inception's space; what is None is not given."""

    is_: tuple[float, float] | None = pydantic.Field(None, alias="is")  # mean, deviation
    fid5k: float | None = None  # with 5,000 samples
    fid50k: float | None = None  # with 50,000 samples


class PaperRow(Config):
    """One row of the paper's Table 2, 3 or 4."""

    label: str
    group: str | None = None  # Table 4: the kind of method
    layers: int | None = None  # Table 3: how many layers of VGG19 are matched
    features: str | None = None  # as printed, 1K = 1,024
    generator: str | None = None
    reference: int | None = None  # Table 4: the paper's number of the work with the figures
    source: str = PAPER  # that work, with its number; the paper itself where it names none
    cifar10: Published
    stl10: Published | None = None

    def on(self, dataset: str) -> Published | None:
        """Its scores on `cifar10` or `stl10`, where it has any."""
        return {"cifar10": self.cifar10, "stl10": self.stl10}[dataset]


def paper_tables() -> dict[str, tuple[PaperRow, ...]]:
    """Rows by table, in the paper's order (ICCV 2019, section 5).

    `table2`, `table3` and `table4`; of the last also `table4_cifar10` and `table4_stl10`, the rows
    with figures on that data set.
    """
    return dict(_tables())


def paper_dataset(table: str) -> str:
    """The data set that a table's figures are of: `table4` has CIFAR-10's first."""
    return HALVES.get(table, "cifar10")


def paper_title(table: str) -> str:
    """A table as the paper numbers it: `Table 2`, or `Table 4, STL-10` for a half."""
    number, _, dataset = table.removeprefix("table").partition("_")
    return f"Table {number}, {DATASETS[dataset]}" if dataset else f"Table {number}"


@cache
def _tables() -> dict[str, tuple[PaperRow, ...]]:
    text = resources.files("gfmn.reporting").joinpath("paper.yaml").read_text(encoding="utf-8")
    data = yaml_reader.load(text, "paper.yaml")
    works = data.pop("references")
    tables = {
        name: tuple(_row(row, works, f"paper.yaml: {name}.{i}") for i, row in enumerate(rows))
        for name, rows in data.items()
    }
    halves = {
        name: tuple(row for row in tables["table4"] if row.on(dataset))
        for name, dataset in HALVES.items()
    }
    return tables | halves


def _row(row: dict[str, Any], works: dict[int, str], where: str) -> PaperRow:
    number = row.get("reference")
    source = {"source": f"{works[number]} [{number}]"} if number else {}
    return PaperRow.parse(row | source, where)
