"""report: tables, figures and one page of everything that the study's runs left behind."""

from pathlib import Path

import checkout  # noqa: F401

from gfmn.common import stage
from gfmn.reporting import figures, markdown, page
from gfmn.reporting.headlines import headlines
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig, check_report
from gfmn.reporting.style import DARK, LIGHT
from gfmn.reporting.tables import make_table

REPORTS = Path("reports")


def main() -> None:
    params = stage.read_params()
    data, where = stage.section("report", params=params)
    names = ("runs", "evaluations", "references", "extractors", "evaluators")
    sections = {name: stage.section(name, params=params)[0] for name in names}
    config = ReportConfig.parse(data, where)
    check_report(config, sections["runs"], where)
    study = read_study(Path(), config, **sections)
    tables = {name: make_table(study, table) for name, table in config.tables.items()}
    markdown.write_tables(study, tables, REPORTS / "tables")
    light, dark = (figures.draw(study, tables, theme) for theme in (LIGHT, DARK))
    figures.write_figures(light, REPORTS / "figures")
    page.write_page(study, tables, light, dark, REPORTS / "index.html")
    stage.write_json(REPORTS / "summary.json", headlines(study))
    for run in study.runs.values():
        if run.status != "scored":
            print(f"{run.name}: {run.status}")


if __name__ == "__main__":
    stage.run(main)
