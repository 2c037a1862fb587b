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
        config |= {"features": 0, "taps": [], "gaps": []}
        config["precision"] = {"generator": "fp32", "critic": "fp32"}
        path.write_text(json.dumps(config))
    return read_study(place, CONFIG, **sections)


def test_report_shows_a_baseline_as_what_it_is(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    table = make_table(study, next(t for t in CONFIG.tables.values() if "ma64" in t.rows))
    row = table.runs.set_index("run").loc["ma64"]
    assert row["objective"] == "sn_gan" and pd.isna(row["extractor"])
    assert row["differs"] == "another method"
    assert "ma64" not in set(convergence(study)["run"])

    frame = histories(study)
    own = frame[frame["run"] == "ma64"]
    assert list(own["diversity"])[:4] == [0.5, 0.6, 0.7, 0.8] and own["loss"].isna().all()
    shown = curves(study, frame)
    assert len(shown) == len(curves(study, frame[frame["run"] != "ma64"])) + 1
    assert "Diversity" in next(figures(study, {})).caption
