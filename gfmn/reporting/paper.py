"""The scores that the paper publishes, for comparison with a study's own, and their sources."""

from functools import cache
from importlib import resources
from typing import Any

from gfmn.common import yaml_reader

PAPER = "dos Santos et al., ICCV 2019"
DATASETS = {"cifar10": "CIFAR-10", "stl10": "STL-10"}
HALVES = {f"table4_{dataset}": dataset for dataset in DATASETS}  # of Table 4, by data set


@cache
def paper_tables() -> dict[str, list[dict[str, Any]]]:
    """Rows by table, in the paper's order (ICCV 2019, section 5); not to be changed.

    `table2`, `table3`, `table4_cifar10` and `table4_stl10`, the rows of Table 4 with figures on
    that data set; `table4` has CIFAR-10's. Keys: `layers`, of Table 3, and columns of a table;
    scores are in Inception's space, and None where the paper gives none.
    """
    text = resources.files("gfmn.reporting").joinpath("paper.yaml").read_text(encoding="utf-8")
    data = yaml_reader.load(text, "paper.yaml")
    works = {number: f"{work} [{number}]" for number, work in data.pop("references").items()}
    tables = {
        f"{name}_{dataset}": [_row(row, row[dataset], works) for row in rows if dataset in row]
        for name, rows in data.items()
        for dataset in DATASETS
    }
    return tables | {name: tables[f"{name}_cifar10"] for name in data}


def _row(row: dict[str, Any], scores: dict[str, Any], works: dict[int, str]) -> dict[str, Any]:
    mean, std = scores.get("is", (None, None))
    return {
        "paper_row": row["label"],
        "paper_group": row.get("group"),  # the kind of method
        "paper_features": row.get("features"),  # 1K = 1,024
        "paper_is_mean": mean,
        "paper_is_std": std,
        "paper_fid5k": scores.get("fid5k"),  # of 5,000 samples
        "paper_fid50k": scores.get("fid50k"),
        "paper_source": works.get(row.get("reference", 0), PAPER),
        "layers": row.get("layers"),
    }


def paper_dataset(table: str) -> str:
    """The data set that a table's figures are of: `table4` has CIFAR-10's first."""
    return HALVES.get(table, "cifar10")


def paper_title(table: str) -> str:
    """A table as the paper numbers it: `Table 2`, or `Table 4, STL-10` for a half."""
    number, _, dataset = table.removeprefix("table").partition("_")
    return f"Table {number}, {DATASETS[dataset]}" if dataset else f"Table {number}"
