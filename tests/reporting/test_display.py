"""A table for a reader: its columns, its text, and the best value of each score."""

import re
import shutil
from pathlib import Path

import pandas as pd
from builders.paper_tables import table4
from builders.score_files import info_by_name
from builders.synthetic_report import CONFIG, edit_scores, finished_report, read_synthetic
from builders.synthetic_study import folder_of

from gfmn.reporting.tables.display import column_cells, score_column, view_table
from gfmn.reporting.tables.files import markdown_table
from gfmn.reporting.tables.table import make_table


def test_table_shows_few_of_the_scores() -> None:
    view = view_table(finished_report().tables["table2"])
    keys = [column.key for column in view.columns if column.evaluator]
    assert {"fd_lite2_inf", "recall_lite2_5k", "fd_own_5k"} <= set(keys)
    assert not re.search("memorised|kd_own|fd_own_inf|confidence", " ".join(keys))


def test_common_value_is_not_marked_as_best() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "recall_x_5k": [0.0, 0.0], "fd_x_5k": [1.0, 2.0]})
    keys = ("recall_x_5k", "fd_x_5k")
    columns = [score_column(frame, "x", key, info_by_name(key)) for key in keys]
    best = [[cell.best for cell in column_cells(frame, column)] for column in columns]
    assert best == [[False, False], [True, False]]


def test_unknown_score_is_shown_without_a_best() -> None:
    frame = pd.DataFrame({"run": ["a", "b"], "new_x_5k": [1.2345, 2.0]})
    column = score_column(frame, "x", "new_x_5k", info_by_name("new_x_5k"))
    cells = column_cells(frame, column)
    assert [cell.text for cell in cells] == ["1.234", "2.000"]
    assert not any(cell.best for cell in cells)


def test_best_of_a_paper_column_can_be_a_published_row() -> None:
    view = view_table(table4())
    i = [column.key for column in view.columns].index("paper_is_mean")
    best = [row[0].text for row in view.rows if row[i].best]
    assert best == ["WGAN-GP (ResNet G)"]  # 8.42; real data's 11.24 does not count


def test_published_row_is_named_once() -> None:
    view = view_table(table4())
    i = [column.key for column in view.columns].index("paper_row")
    assert view.rows[1][0].text == "GMMN" and view.rows[1][i].text == ""
    assert view.kinds[1] == "published" and view.group_headings[1] == "no adversarial training"


def test_counts_that_differ_between_runs_are_columns(tmp_path: Path) -> None:
    folder = shutil.copytree(folder_of(False), tmp_path / "study")
    held_out = {"dataset": "photos_test", "count": 5000, "how": "a data set held out"}
    edit_scores(folder, "encoder-lite2", lambda record: record.update(n_generated=50000))
    edit_scores(folder, "reference-photos-lite2", lambda record: record.update(held_out=held_out))
    study = read_synthetic(folder)
    table = make_table(study, CONFIG.tables["table2"])
    lines = markdown_table(study, table, "t").splitlines()
    assert "| Scored against | n generated | n reference |" in lines[2]
    assert "held out: photos_test" in lines[4]
    assert "| photos | 50,000 | 10,000 |" in lines[5] and "| photos | 5,000 | 10,000 |" in lines[6]
