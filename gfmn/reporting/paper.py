"""The paper's published figures, to stand beside a study's own."""

from importlib import resources

import pydantic
from ruamel.yaml import YAML

from gfmn.config import Config


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
    cifar10: Published
    stl10: Published | None = None


def paper_tables() -> dict[str, tuple[PaperRow, ...]]:
    """Rows of `table2`, `table3` and `table4`, in the paper's order (ICCV 2019, section 5)."""
    text = resources.files("gfmn.reporting").joinpath("paper.yaml").read_text(encoding="utf-8")
    return {
        name: tuple(PaperRow.parse(row, f"paper.yaml: {name}.{i}") for i, row in enumerate(rows))
        for name, rows in YAML(typ="safe").load(text).items()
    }
