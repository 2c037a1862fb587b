"""Parts of the page that are not tables of the report: memorisation, and every score."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.album import Album
from gfmn.reporting.display import Column, cells, score_column
from gfmn.reporting.footnotes import made, spreads
from gfmn.reporting.memorisation import evaluations, memorised, others
from gfmn.reporting.records import RealScores, RunScores, Scores
from gfmn.reporting.results import Evaluation, RunResult, Study
from gfmn.reporting.summary import REAL, Summary, summaries, ways


def memorisation(study: Study, album: Album) -> dict[str, Any] | None:
    """The headline run's samples nearest to training images; None where no run was measured."""
    runs = [study.headline, *study.runs.values()]
    found = [pair for run in runs for pair in evaluations(study, run)]
    if not any(memorised(scores, space) for _, scores in found for space in ("pixel", "feature")):
        return None
    pictures: list[dict[str, Any]] = []
    for evaluation, scores in [*evaluations(study, study.headline)][:1]:
        pictures += _nearest(album, study.headline, evaluation, scores)
    scores = found[0][1]
    return {"pictures": pictures, "others": others(study, scores.dataset, scores.evaluator)}


def every_space(study: Study) -> list[dict[str, Any]]:
    """By evaluator: every score of every run and of real images, over seeds."""
    return [
        _every_score(evaluator, sorted(files, key=lambda one: isinstance(one, RunScores)))
        for evaluator in study.evaluators
        if (files := study.in_space(evaluator))
    ]


def nearest(study: Study, album: Album, run: RunResult) -> dict[str, Any] | None:
    """A run's samples above their nearest training images, in the first space that has them."""
    for evaluation, scores in evaluations(study, run):
        for found in _nearest(album, run, evaluation, scores, ("feature",)):
            return found
    return None


def _nearest(
    album: Album,
    run: RunResult,
    evaluation: Evaluation,
    scores: RunScores,
    spaces: Iterable[str] = ("pixel", "feature"),
) -> Iterator[dict[str, Any]]:
    """The pictures of the first seed that has them, in pixels and in features."""
    for space in spaces:
        for of in scores.seeds:
            picture = album.near(evaluation, of.seed, space) if of.seed is not None else None
            if picture is None or of.seed is None:
                continue
            known = memorised(scores, space)
            key = known[0] if known and known[0] in of.scores else ""
            count = names.count(key)
            yield {
                "picture": picture,
                "samples": picture.columns,
                "real": picture.rows - 1,
                "where": "pixels" if space == "pixel" else f"features of {scores.evaluator}",
                "of": f"{run.name}{run.which(of.seed)}",
                "count": f"{count:,}" if count else "",
                "key": key,
                "value": f"{of.scores[key].value:.3f}" if key else "",
                "evaluator": scores.evaluator,
            }
            break


def _every_score(evaluator: str, files: list[Scores]) -> dict[str, Any]:
    summed = [summaries(one) for one in files]
    rows = [_row(one, scores) for one, scores in zip(files, summed, strict=True)]
    frame = pd.DataFrame([row["values"] for row in rows])
    keys = names.ordered({key for scores in summed for key in scores})
    columns = [score_column(frame, evaluator, key) for key in keys]
    by_column = [cells(frame, column) for column in columns]
    for row, of_row in zip(rows, zip(*by_column, strict=True), strict=True):
        row["cells"] = list[tuple[Column, Any]](zip(columns, of_row, strict=True))
    return {
        "evaluator": evaluator,
        "canonical": files[0].canonical,
        "in_domain": files[0].in_domain,
        "architecture": files[0].architecture,
        "resizer": files[0].resizer,
        "columns": columns,
        "rows": rows,
        "notes": [n for n in (spreads(frame, columns), made(ways(summed), columns)) if n],
    }


def _row(scores: Scores, summed: dict[str, Summary]) -> dict[str, Any]:
    name = scores.run if isinstance(scores, RunScores) else REAL
    values: dict[str, Any] = {"run": name}
    for key, one in summed.items():
        values[key] = one.value
        if one.std is not None:
            values |= {f"{key}_std": one.std, f"{key}_over": one.over}
    seeds = [str(found.seed) for found in scores.seeds if found.seed is not None]
    return {
        "run": name,
        "real": isinstance(scores, RealScores),
        "seeds": f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(seeds)}" if seeds else "",
        "dataset": scores.dataset,
        "n": scores.n,
        "against": scores.n_reference,
        "values": values,
    }
