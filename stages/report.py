"""report: tables, figures and one page of everything that the study's runs left behind."""

from pathlib import Path

import runner

from gfmn.reporting import figures, page, tables
from gfmn.reporting.results import ReportConfig, check_report, read_study
from gfmn.reporting.style import DARK, LIGHT

REPORTS = Path("reports")


def main() -> None:
    params = runner.read_params()
    data, where = runner.section("report", params=params)
    runs, _ = runner.section("runs", params=params)
    config = ReportConfig.parse(data, where)
    check_report(config, runs, where)
    study = read_study(Path(), config, runs)
    frames = {name: tables.table_frame(study, table) for name, table in config.tables.items()}
    titles = {name: table.title for name, table in config.tables.items()}
    tables.write_tables(frames, titles, REPORTS / "tables")
    light, dark = (figures.draw(study, frames, theme) for theme in (LIGHT, DARK))
    figures.write_figures(light, REPORTS / "figures")
    page.write_page(study, frames, light, dark, REPORTS / "index.html")
    for run in study.runs.values():
        if run.status != "scored":
            print(f"{run.name}: {run.status}")


if __name__ == "__main__":
    runner.run(main)
