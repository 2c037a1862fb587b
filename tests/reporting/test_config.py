"""The section `report`: its defaults, and what is refused before any run."""

import json
from typing import Any

import pytest
from builders.synthetic_report import REPORT
from builders.synthetic_study import parameters

from gfmn.common.errors import InputError
from gfmn.reporting.config import ReportConfig, check_report

PATH = "params.yaml: report"


@pytest.mark.parametrize("section", [None, {}])
def test_absent_or_empty_section_is_a_report_without_tables(section: Any) -> None:
    config = ReportConfig.parse(section, PATH)
    check_report(config, parameters(), PATH)
    assert (config.headline, config.tables, config.figures) == (None, {}, {})


def test_fields_of_a_row_have_defaults() -> None:
    table = {"title": "t", "paper": "table3", "rows": {"taps1": {"paper": 0}, "vgg16": {}}}
    config = ReportConfig.parse({"tables": {"t": table}}, PATH)
    check_report(config, parameters(), PATH)
    rows = config.tables["t"].rows
    assert rows["taps1"].paper == 0
    assert (rows["vgg16"].paper, rows["vgg16"].beyond, rows["vgg16"].note) == (None, False, "")


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (
            ["headline"],
            "moment_matchin",
            "report.headline: no run 'moment_matchin'; did you mean 'moment_matching'?",
        ),
        (["tables", "table2", "rows", "vgg61"], {}, "tables.table2.rows.vgg61: no such run"),
        (["tables", "table2", "rows", "vgg16"], {"paper": 6}, "vgg16.paper: expected 0 to 5"),
        (["tables", "figure4", "rows", "ma64"], {"paper": 0}, "ma64.paper: expected none"),
        (["tables", "table2", "paper"], "table5", "tables.table2.paper: no 'table5'"),
        (["tables", "table2", "rows", "vgg16"], {"papr": 1}, "vgg16.papr: unknown key"),
        (["tables", "../x"], {"title": "t", "rows": {}}, "../x"),
        (["tables", "scores"], {"title": "t", "rows": {}}, "scores: expected another name"),
        (["tables", "orders"], {"title": "t", "rows": {}}, "orders: expected another name"),
        (
            ["tables", "t"],
            {"title": "t", "published": True, "rows": {}},
            "report.tables.t.published: expected a table of the paper's",
        ),
        (
            ["figures"],
            {"f": {"title": "f", "kind": "samples", "runs": ["x"]}},
            "report.figures.f.runs: no run 'x'",
        ),
    ],
)
def test_impossible_report_is_refused_before_any_run(
    keys: list[str], value: Any, message: str
) -> None:
    section = json.loads(json.dumps(REPORT))
    inner = section
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    with pytest.raises(InputError) as caught:
        check_report(ReportConfig.parse(section, PATH), parameters(), PATH)
    assert message in str(caught.value) and str(caught.value).startswith("params.yaml: report.")


def test_report_of_no_run_is_refused() -> None:
    with pytest.raises(InputError, match="report: expected at least one run to report, found none"):
        check_report(ReportConfig.parse(None, PATH), {}, PATH)
