"""A baseline in the report: its method in the table, its diversity in the curves, no loss."""

import copy
import json
import shutil
from pathlib import Path

import pandas as pd
from builders.synthetic_report import CONFIG
from builders.synthetic_study import folder_of, spaces

from gfmn.common import paths
from gfmn.reporting.figures.training import curves, figures, histories
from gfmn.reporting.formatting import format_duration
from gfmn.reporting.page.facts import costs
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import Study
from gfmn.reporting.tables.frames import convergence
from gfmn.reporting.tables.table import make_table


def study_of(folder: Path) -> Study:
    """The synthetic study, whose run `ma64` is a baseline's."""
    sections = copy.deepcopy(spaces())
    row = {key: sections["runs"]["ma64"][key] for key in ("dataset", "seeds", "generator")}
    row |= {"method": "sn_gan", "extractor": "none", "decoder": "none", "steps": 40, "batch": 64}
    sections["runs"]["ma64"] = row
    place = folder / "study"
    shutil.copytree(folder_of(True), place)
    for path in (place / paths.history("ma64")).glob("seed-*.tsv"):
        values = {"step": [10, 20, 30, 40], "images": 1, "lr": 0.1, "loss": [-1.0, 2, -3, 4]}
        values |= {"critic": 1.5, "diversity": [0.5, 0.6, 0.7, 0.8]}
        pd.DataFrame(values).to_csv(path, sep="\t", index=False)
    for path in (place / paths.model("ma64")).glob("seed-*/config.json"):
        config = json.loads(path.read_text())
        config |= {"features": 0, "taps": [], "gaps": [], "collapsed": "all alike"}
        config["precision"] = {"generator": "fp32", "critic": "fp32"}
        path.write_text(json.dumps(config))
    timing = place / paths.timing("train-ma64")
    timing.write_text(json.dumps({**json.loads(timing.read_text()), "peak_mib": 1234}))
    return read_study(place, CONFIG, **sections)


def test_report_shows_a_baseline_as_what_it_is(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    table = make_table(study, next(t for t in CONFIG.tables.values() if "ma64" in t.rows))
    row = table.runs.set_index("run").loc["ma64"]
    assert row["objective"] == "sn_gan" and pd.isna(row["extractor"])
    assert row["differs"] == "another method"
    assert pd.isna(row["taps"]) and pd.isna(row["features"])
    assert "ma64" not in set(convergence(study)["run"])

    frame = histories(study)
    own = frame[frame["run"] == "ma64"]
    assert list(own["diversity"])[:4] == [0.5, 0.6, 0.7, 0.8] and own["loss"].isna().all()
    shown = curves(study, frame)
    assert len(shown) == len(curves(study, frame[frame["run"] != "ma64"])) + 1
    assert "Diversity" in next(figures(study, {})).caption


def test_costs_are_those_of_each_trained_run_with_its_collapsed_seeds(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    shown = costs(study).T
    seeds = len(study.runs["ma64"].seeds)
    assert dict(shown["ma64"]) == {
        "updates a second": "5.1",
        "time a seed": format_duration(240.2 / seeds),
        "memory": "1,234 MiB",
        "collapsed": f"{seeds} of {seeds} seeds",
    }
    others = [name for name, run in study.runs.items() if run.model and name != "ma64"]
    assert {*others, "ma64"} == {*shown} and set(shown.loc["memory", others]) == {""}
