"""Runs as cards: their samples, the ways between two, their nearest images, settings and scores."""

from collections.abc import Collection
from typing import Any

from gfmn.reporting import names
from gfmn.reporting.album import Album
from gfmn.reporting.display import decimals_for, number
from gfmn.reporting.record import plain
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import FigureConfig, RunResult, Study, TableConfig
from gfmn.reporting.sections import nearest
from gfmn.reporting.summary import summaries

SHOWN = ("extractor", "taps", "generator", "objective", "batch", "steps", "lr")  # below a grid


def order(study: Study) -> list[RunResult]:
    """The report's runs: the headline, then those of tables and figures in their order."""
    named = [name for table in study.config.tables.values() for name in table.rows]
    named += [name for figure in study.config.figures.values() for name in figure.runs]
    return [study.runs[name] for name in dict.fromkeys([study.config.headline, *named])]


def gallery(study: Study, album: Album) -> list[dict[str, Any]]:
    """Runs by data set, the data set's own images with them."""
    found: dict[str, list[RunResult]] = {}
    for run in order(study):
        found.setdefault(str(run.parameters.get("dataset")), []).append(run)
    return [
        {
            "dataset": dataset,
            "real": album.real(dataset),
            "cards": [
                card(study, album, run)
                | {"between": album.between(run.name), "near": nearest(study, album, run)}
                for run in runs
            ],
        }
        for dataset, runs in found.items()
    ]


def beside(study: Study, album: Album, table: TableConfig) -> list[dict[str, Any]]:
    """A table's runs as cards that say in what they differ."""
    cards = [card(study, album, study.runs[name]) for name in table.rows]
    keys = [key for key in SHOWN if len({card["settings"].get(key) for card in cards}) > 1]
    return [one | {"differs": {key: one["settings"].get(key, "") for key in keys}} for one in cards]


def large(study: Study, album: Album, figure: FigureConfig) -> dict[str, Any]:
    """A figure's runs as cards of many samples, and the images of their data sets."""
    cards = [card(study, album, study.runs[name]) for name in figure.runs]
    datasets = dict.fromkeys(card["dataset"] for card in cards)
    real = {dataset: picture for dataset in datasets if (picture := album.real(dataset))}
    return {"cards": cards, "real": real}


def card(study: Study, album: Album, run: RunResult) -> dict[str, Any]:
    """A run's samples, settings, and main scores with what they are of."""
    settings = {key: run.parameters[key] for key in SHOWN if key in run.parameters}
    spaces = [found for name in study.evaluators if (found := run.scores(name))]
    scores = main_scores(spaces[0], ("fid", "fd", "is", "score")) if spaces else []
    for other in spaces[1:2]:
        scores += main_scores(other, names.DISTANCES)
    said = [score["of"] for score in scores] + [score["over"] for score in scores]
    return {
        "name": run.name,
        "dataset": str(run.parameters.get("dataset")),
        "status": run.status,
        "which": run.which(run.shown.seed),
        "picture": album.samples(run.name),
        "settings": {key: plain(value) for key, value in settings.items()},
        "scores": scores,
        "of": "; ".join(filter(None, dict.fromkeys(said))),
    }


def main_scores(scores: RunScores, kinds: Collection[str]) -> list[dict[str, str]]:
    """The first score of each of these kinds, as text with what it is of."""
    seeds = f"{len(scores.seeds)} seeds, each " if len(scores.seeds) > 1 else ""
    found: dict[str, dict[str, str]] = {}
    for key, one in summaries(scores).items():
        kind = names.kind(key)
        if kind in kinds and kind not in found:
            n = names.count(key) or scores.n
            places = names.PLACES.get(kind) or decimals_for([one.value])
            spread = "" if one.std is None else f" ± {number(one.std, places)}"
            found[kind] = {
                "key": key,
                "what": names.what(key),
                "value": number(one.value, places) + spread,
                "of": f"{scores.evaluator}, {seeds}{n:,} generated against "
                f"{scores.n_reference:,} real",
                "over": f"± over {one.over}" if spread and one.over else "",
                "evaluator": scores.evaluator,
                "n": f"{n:,}",
            }
    return list(found.values())
