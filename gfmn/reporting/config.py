"""The section `report` of the parameter file: the page's title, its tables and figures of runs."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

import pydantic

from gfmn.common.bounds import COUNT
from gfmn.common.config import Config, suggest
from gfmn.common.errors import InputError
from gfmn.reporting.paper import paper_tables

ALL_SCORES = "scores"  # the file of every score
ORDERS = "orders"  # the file of every pair of runs
CONVERGENCE = "convergence"  # of every training's loss
RESERVED = (ALL_SCORES, ORDERS, CONVERGENCE)  # no table can have these names
FileName = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9_-]+$")]


class RowConfig(Config):
    """A run as a row of a table."""

    # Index of the paper's row that it is compared with.
    paper: int | None = pydantic.Field(None, ge=-COUNT, le=COUNT)
    beyond: bool = False  # the paper has no such row
    note: str = ""


class TableConfig(Config):
    """A table: which runs, in which order, compared with which table of the paper."""

    title: str
    paper: str | None = None  # "table2", "table3", "table4_cifar10" or "table4_stl10"
    # Add the paper's other rows, and sort by the paper's order. A run that is compared with no row
    # of the paper follows the run before it.
    published: bool = False
    rows: dict[str, RowConfig]


class FigureConfig(Config):
    """A figure of runs' images, such as the paper's Figures 2, 3 and 5."""

    title: str
    paper: str | None = None  # "figure2", "figure3" or "figure5"
    # Large grids of samples, or the loss by epoch with samples of fixed noise along it.
    kind: Literal["samples", "progress"]
    runs: tuple[str, ...]


class ReportConfig(Config):
    """The whole section; without it, a page of all runs and no tables."""

    title: str = "Generative feature matching"
    headline: str | None = None  # the run in the page's header; the study's first by default
    tables: dict[FileName, TableConfig] = pydantic.Field({})
    figures: dict[FileName, FigureConfig] = pydantic.Field({})

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """Build from plain data; None, an absent or empty section, gives the defaults."""
        return super().parse({} if data is None else data, where)


def check_report(config: ReportConfig, runs: Collection[str], where: str) -> None:
    """Refuse unknown runs and rows that the paper does not have; needs no results.

    `runs`: the names of the study's runs; `where`: the section's path in its file, with which every
    `InputError` begins.
    """
    if not runs:
        raise InputError(f"{where}: expected at least one run to report, found none")
    if config.headline is not None:
        _check_run(config.headline, runs, f"{where}.headline")
    for name, table in config.tables.items():
        _check_table(name, table, runs, f"{where}.tables.{name}")
    for name, figure in config.figures.items():
        for run in figure.runs:
            _check_run(run, runs, f"{where}.figures.{name}.runs")


def _check_run(run: str, runs: Collection[str], path: str) -> None:
    if run not in runs:
        raise InputError(f"{path}: no run {run!r}; {suggest(run, runs)}")


def _check_table(name: str, table: TableConfig, runs: Collection[str], path: str) -> None:
    published = paper_tables()
    if name in RESERVED:
        raise InputError(f"{path}: expected another name, for the report writes {name}.parquet")
    if table.paper is not None and table.paper not in published:
        raise InputError(f"{path}.paper: no {table.paper!r}; {suggest(table.paper, published)}")
    if table.published and table.paper is None:
        raise InputError(f"{path}.published: expected a table of the paper's as `paper`")
    size = len(published[table.paper]) if table.paper else 0
    for run, row in table.rows.items():
        if run not in runs:
            raise InputError(f"{path}.rows.{run}: no such run; {suggest(run, runs)}")
        if row.paper is not None and not 0 <= row.paper < size:
            expected = f"0 to {size - 1}" if size else "none, for the table names no paper's"
            raise InputError(f"{path}.rows.{run}.paper: expected {expected}, found {row.paper}")
