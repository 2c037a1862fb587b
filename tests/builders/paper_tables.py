"""The paper's Table 4 with runs of the synthetic study among its rows."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from builders.score_files import read_record, write_record
from builders.synthetic_report import CONFIG
from builders.synthetic_study import folder_of, spaces

from gfmn.reporting.config import TableConfig
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table, make_table

TABLE4 = TableConfig.parse(
    {
        "title": "The methods of the time",
        "paper": "table4_cifar10",
        "published": True,
        "rows": {
            "vgg16_lite0": {"paper": 4},
            "vgg16": {"paper": 3},
            "moment_matching": {"beyond": True},
        },
    },
    "tables.table4",
)


def renamed(data: Any, dataset: str) -> Any:
    """The same with another data set's name."""
    return json.loads(json.dumps(data).replace("photos", dataset))


@cache
def study_on(dataset: str, canonical: bool = True) -> Study:
    """The synthetic study as if its images were another data set's."""
    folder = Path(f"{folder_of(canonical)}-{dataset}")
    for path in (folder_of(canonical) / "data/scores").iterdir():
        name = path.name.replace("photos", dataset)
        write_record(folder / "data/scores" / name, renamed(read_record(path), dataset))
    return read_study(folder, CONFIG, **renamed(spaces(canonical), dataset))


def table4(dataset: str = "cifar10", canonical: bool = True, **changes: Any) -> Table:
    """Table 4 on that study; `changes` of its configuration."""
    return make_table(study_on(dataset, canonical), TABLE4.model_copy(update=changes))
