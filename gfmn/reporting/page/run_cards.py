"""Runs as cards: samples, interpolations, nearest training images, settings and main scores."""

from collections.abc import Collection, Iterator
from typing import Any

from gfmn.reporting.config import FigureConfig, TableConfig
from gfmn.reporting.formatting import decimals_for, format_number, format_value
from gfmn.reporting.memorization import SPACES, Space, memorized_score, own_evaluations
from gfmn.reporting.page.image_store import ImageStore
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import RunEvaluation, RunResult, Study
from gfmn.reporting.score_info import CLASS_SCORES, DISTANCES
from gfmn.reporting.score_means import score_means

SETTINGS = ("extractor", "taps", "generator", "objective", "batch", "steps", "lr")  # of a card


def report_runs(study: Study) -> list[RunResult]:
    """The report's runs: the headline, then those of tables and figures; else all of the study."""
    tables, figures = study.config.tables.values(), study.config.figures.values()
    names = [name for table in tables for name in table.rows]
    names += [name for figure in figures for name in figure.runs]
    names = names or list(study.runs)
    return [study.runs[name] for name in dict.fromkeys([study.headline.name, *names])]


def gallery(study: Study, store: ImageStore) -> list[dict[str, Any]]:
    """Runs by data set, with the data set's own images."""
    by_dataset: dict[str, list[RunResult]] = {}
    for run in report_runs(study):
        by_dataset.setdefault(run.dataset, []).append(run)
    return [
        {
            "dataset": dataset,
            "real": store.real(dataset),
            "cards": [
                card(study, store, run)
                | {
                    "interpolations": store.interpolations(run.name),
                    "neighbors": feature_neighbors(study, store, run),
                }
                for run in runs
            ],
        }
        for dataset, runs in by_dataset.items()
    ]


def table_cards(study: Study, store: ImageStore, table: TableConfig) -> list[dict[str, Any]]:
    """A table's runs as cards, each with the settings in which they differ."""
    cards = [card(study, store, study.runs[name]) for name in table.rows]
    keys = [key for key in SETTINGS if len({card["settings"].get(key) for card in cards}) > 1]
    return [one | {"differs": {key: one["settings"].get(key, "") for key in keys}} for one in cards]


def figure_cards(study: Study, store: ImageStore, figure: FigureConfig) -> dict[str, Any]:
    """A figure's runs as cards, and the images of their data sets."""
    cards = [card(study, store, study.runs[name]) for name in figure.runs]
    datasets = dict.fromkeys(card["dataset"] for card in cards)
    real = {dataset: images for dataset in datasets if (images := store.real(dataset))}
    return {"cards": cards, "real": real}


def card(study: Study, store: ImageStore, run: RunResult) -> dict[str, Any]:
    """A run's samples, settings, and main scores with what they are of."""
    settings = {key: run.parameters[key] for key in SETTINGS if key in run.parameters}
    spaces = [file for name in study.evaluators if (file := run.scores(name))]
    scores = main_scores(spaces[0], (*DISTANCES, *CLASS_SCORES)) if spaces else []
    for other in spaces[1:2]:
        scores += main_scores(other, DISTANCES)
    remarks = [score["of"] for score in scores] + [score["over"] for score in scores]
    return {
        "name": run.name,
        "dataset": run.dataset,
        "status": run.status,
        "seed": run.seed_label(run.shown_seed.seed),
        "samples": store.samples(run.name),
        "settings": {key: format_value(value) for key, value in settings.items()},
        "scores": scores,
        "of": "; ".join(filter(None, dict.fromkeys(remarks))),
    }


def main_scores(scores: RunScores, kinds: Collection[str]) -> list[dict[str, str]]:
    """The first score of each of these kinds, as text with what it is of."""
    seeds = f"{len(scores.seeds)} seeds, each " if len(scores.seeds) > 1 else ""
    by_kind: dict[str, dict[str, str]] = {}
    for key, mean in score_means(scores).items():
        info = mean.info
        if info.kind in kinds and info.kind not in by_kind:
            count = info.count or scores.n
            decimals = info.decimals or decimals_for([mean.value])
            std = "" if mean.std is None else f" ± {format_number(mean.std, decimals)}"
            by_kind[info.kind] = {
                "key": key,
                "title": info.title,
                "value": format_number(mean.value, decimals) + std,
                "of": f"{scores.evaluator}, {seeds}{count:,} generated against "
                f"{scores.n_reference:,} real",
                "over": f"± over {mean.over}" if std and mean.over else "",
                "evaluator": scores.evaluator,
                "n": f"{count:,}",
            }
    return list(by_kind.values())


def headline_neighbors(study: Study, store: ImageStore) -> list[dict[str, Any]]:
    """The headline run's samples above their nearest training images, in pixels and features."""
    for evaluation, scores in own_evaluations(study, study.headline):
        spaces = (_neighbors(store, study.headline, evaluation, scores, one) for one in SPACES)
        return [space for space in spaces if space]
    return []


def feature_neighbors(study: Study, store: ImageStore, run: RunResult) -> dict[str, Any] | None:
    """The same of any run, in the features of the first evaluator that has them."""
    candidates: Iterator[dict[str, Any] | None] = (
        _neighbors(store, run, evaluation, scores, "feature")
        for evaluation, scores in own_evaluations(study, run)
    )
    return next((one for one in candidates if one), None)


def _neighbors(
    store: ImageStore, run: RunResult, evaluation: RunEvaluation, scores: RunScores, space: Space
) -> dict[str, Any] | None:
    """The images of the first seed that has them."""
    for seed in scores.seeds:
        images = store.neighbors(evaluation, seed.seed, space) if seed.seed is not None else None
        if images is None or seed.seed is None:
            continue
        key, info = "", None
        if (score := memorized_score(scores, space)) and score[0] in seed.scores:
            key, info = score[0], score[1].info
        return {
            "images": images,
            "samples": images.columns,
            "real": images.rows - 1,
            "where": "pixels" if space == "pixel" else f"features of {scores.evaluator}",
            "run": f"{run.name}{run.seed_label(seed.seed)}",
            "count": f"{info.count:,}" if info and info.count else "",
            "key": key,
            "value": f"{seed.scores[key].value:.3f}" if key else "",
            "evaluator": scores.evaluator,
        }
    return None
