"""report: tables, figures and pages of all results of the study's runs."""

from pathlib import Path

import checkout  # noqa: F401

from gfmn.common import json_reader, paths, stage
from gfmn.reporting.config import ReportConfig
from gfmn.reporting.figures import draw_figures, write_figures
from gfmn.reporting.page.render import write_pages
from gfmn.reporting.reading import read_study
from gfmn.reporting.tables.files import run_summary, write_tables
from gfmn.reporting.tables.table import make_table

REPORTS = Path("reports")


def main() -> None:
    sections = json_reader.read(paths.parameters("report"))
    config = ReportConfig.parse(sections.pop("report"), f"{stage.PARAMS}: report")
    study = read_study(Path(), config, **sections)
    tables = {name: make_table(study, table) for name, table in config.tables.items()}
    write_tables(study, tables, REPORTS / "tables")
    figures = draw_figures(study, tables)
    write_figures(study, figures, REPORTS / "figures")
    write_pages(study, tables, figures, REPORTS)
    stage.write_json(REPORTS / "summary.json", run_summary(study))
    for run in study.runs.values():
        if run.status != "scored":
            print(f"{run.name}: {run.status}")


if __name__ == "__main__":
    stage.run(main)
