"""The page's tables, by pandas' Styler: a row a run with its samples, scores and settings."""

from collections.abc import Iterable, Sequence
from typing import cast

import pandas as pd
from markupsafe import Markup, escape
from pandas.io.formats.style import Styler

from gfmn.reporting import images
from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.cells import Cell, Column, column_cells, score_column, view_table
from gfmn.reporting.tables.notes import deviation_note, method_note, network_note
from gfmn.reporting.tables.table import Table, merged_scores

ARROWS = {"lower": " ↓", "higher": " ↑", "half": " → 0.5"}
HIDDEN = ("paper_row", "paper_features", "paper_source", "kd_", "kid_")  # in notes or details
UNTOLD = ("run", "differs", "features")  # settings that a row does not name
GROUPS = {"paper": "The paper: in Inception", "difference": "Compared"}


def report_table(study: Study, table: Table) -> Markup:
    """A table of the report: samples, name and settings of a run, then its scores."""
    view, shown = view_table(table), {}
    names = {space.evaluator: f"In {space.evaluator}" for space in table.spaces}
    for i, column in enumerate(view.columns):
        group = names.get(column.evaluator) or GROUPS.get(column.group)
        if group and not column.key.startswith(HIDDEN) and not column.key.endswith("_inf"):
            shown[i] = group, _heading(column)
    labels = []
    for row, marks, (_, facts) in zip(view.rows, view.marks, table.frame.iterrows(), strict=True):
        settings = ", ".join(
            f"{column.heading.lower()} {cell.text}"
            for column, cell in zip(view.columns, row, strict=True)
            if column.group == "setting" and column.key not in UNTOLD and cell.text
        )
        run = facts["run"] if facts["kind"] == "run" else None
        labels.append(_label(study, run, row[0].text, marks, settings))
    cells = [[row[i] for i in shown] for row in view.rows]
    return _styled(labels, list(shown.values()), cells, view.kinds)


def all_scores(study: Study) -> list[tuple[str, Markup, list[str]]]:
    """By evaluator: its name and architecture, every score of every run, notes."""
    tables = []
    for evaluator in study.evaluators:
        files = sorted(study.scores_in(evaluator), key=lambda file: isinstance(file, RunScores))
        if not files:
            continue
        scores, methods = merged_scores(files)
        frame = pd.DataFrame({"run": [file.run for file in files]})
        for column, end in (("value", ""), ("std", "_std"), ("over", "_over")):
            wide = pd.DataFrame([file.means[column].dropna() for file in files])
            frame = frame.join(wide.reset_index(drop=True).add_suffix(end))
        columns = [score_column(frame, evaluator, score) for _, score in scores.iterrows()]
        labels = [Markup("{} <small>{}</small>").format(file.run, _of(file)) for file in files]
        cells = list(zip(*(column_cells(frame, column) for column in columns), strict=True))
        kinds = ["run" if isinstance(file, RunScores) else "real" for file in files]
        runs = [file.run for file in files if isinstance(file, RunScores)]
        notes = [
            deviation_note(frame, columns),
            method_note(methods, columns),
            network_note(study, runs, evaluator, files[0].architecture),
        ]
        title = f"{evaluator}: {files[0].architecture}, {files[0].resizer}"
        table = _styled(labels, [("", _heading(column)) for column in columns], cells, kinds)
        tables.append((title, table, [note for note in notes if note]))
    return tables


def plain_table(frame: pd.DataFrame) -> Markup:
    """A frame of texts with its index as the rows' names."""
    columns = [("", Markup("{}").format(name)) for name in frame.columns]
    cells = [[Cell(str(value)) for value in row] for row in frame.to_numpy()]
    return _styled([escape(name) for name in frame.index], columns, cells, ["run"] * len(frame))


def _styled(
    labels: Sequence[Markup],
    heads: Sequence[tuple[str, Markup]],
    cells: Iterable[Sequence[Cell]],
    kinds: Sequence[str],
) -> Markup:
    """The HTML of a table whose best values are bold; every text is escaped."""
    rows = list(cells)
    texts = [[str(_cell(cell)) for cell in row] for row in rows]
    classes = [
        [f"{kind} best" if cell.best else kind for cell in row]
        for kind, row in zip(kinds, rows, strict=True)
    ]
    columns = pd.MultiIndex.from_arrays([[escape(a) for a, _ in heads], [str(b) for _, b in heads]])
    flat = columns if any(group for group, _ in heads) else columns.droplevel(0)
    numbers = pd.RangeIndex(len(labels))
    styler = Styler(pd.DataFrame(texts, numbers, flat), uuid_len=0, cell_ids=False)
    styler.set_td_classes(pd.DataFrame(classes, numbers, flat))
    styler.format_index(lambda i: str(labels[cast(int, i)]))
    styler.set_table_attributes('class="data"')
    text = str(styler.to_html(sparse_columns=True))
    return Markup(text.replace('<th class="blank', '<td class="blank'))  # no empty headers


def _label(
    study: Study, run: str | None, name: str, marks: Iterable[tuple[str, str]], settings: str
) -> Markup:
    mark = Markup('<span class="mark {}">{}</span> ')
    remarks = Markup("").join(mark.format(*one) for one in marks if one[0] != "note")
    small = "; ".join(filter(None, (*(text for kind, text in marks if kind == "note"), settings)))
    text = Markup("<span><b>{}</b> {}<small>{}</small></span>").format(name, remarks, small)
    if run is None:
        return Markup('<span class="row">{}</span>').format(text)
    source = images.thumbnail(study, run)
    image = Markup('<img src="{}" alt="">').format(source) if source else ""
    return Markup('<a class="row" href="runs/{}.html">{}{}</a>').format(run, image, text)


def _heading(column: Column) -> Markup:
    text = column.heading + ARROWS.get(column.direction or "", "")
    name = Markup("_<wbr>").join(column.key.split("_")) if column.evaluator else ""
    return Markup("{}<small>{}</small>").format(text, name) if name else escape(text)


def _cell(cell: Cell) -> Markup:
    if cell.std:
        over = Markup(' title="over {}"').format(cell.over) if cell.over else ""
        return Markup("{}<small{}> ± {}</small>").format(cell.text, over, cell.std)
    return escape(cell.text)


def _of(file: Scores) -> str:
    seeds = [str(seed.seed) for seed in file.seeds if seed.seed is not None]
    of = f"{file.n:,} against {file.n_reference:,} of {file.dataset}"
    return f"{of}, seeds {', '.join(seeds)}" if seeds else of
