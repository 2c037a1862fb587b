"""The page's header: real images and samples of the headline run, its key figures, and what of the
study compares with the paper.
"""

from dataclasses import dataclass
from typing import Any

from gfmn.reporting.formatting import decimals_for, format_duration, format_number, format_value
from gfmn.reporting.page.image_store import ImageStore
from gfmn.reporting.page.run_cards import main_scores
from gfmn.reporting.results import Study
from gfmn.reporting.score_info import CLASS_SCORES, DISTANCES
from gfmn.reporting.tables.notes import scoring_conditions


def header(study: Study, store: ImageStore) -> dict[str, Any]:
    """The headline run and its data set, as grids of the same shape."""
    run = study.headline
    return {
        "run": run,
        "seed": run.seed_label(run.shown_seed.seed),
        "dataset": run.dataset,
        "real": store.real(run.dataset),
        "samples": store.samples(run.name),
        "key_figures": key_figures(study),
    }


def key_figures(study: Study) -> list[tuple[str, str, str]]:
    """Title, value and detail of the headline run's scores, features and training time."""
    run = study.headline
    figures = []
    main = next((scores for name in study.evaluators if (scores := run.scores(name))), None)
    if main:
        real = study.real.get((main.dataset, main.evaluator))
        for score in main_scores(main, (*DISTANCES, *CLASS_SCORES)):
            detail = "; ".join(filter(None, (score["key"], score["of"], score["over"])))
            figures.append((score["title"], score["value"], detail))
            if real and len(figures) == 1 and score["key"] in real.seeds[0].scores:
                value = real.seeds[0].scores[score["key"]].value
                counts = f"{real.n:,} against {real.n_reference:,} other real images"
                detail = f"{score['key']}; {real.evaluator}; {counts}"
                text = format_number(value, decimals_for([value]))
                figures.append(("Real against real", text, detail))
    if run.model:
        detail = f"of {len(run.model.taps)} taps, mean and variance"
        figures.append(("Matched features", f"{run.model.features:,}", detail))
    seconds = study.timings.get(f"train-{run.name}", {}).get("seconds")
    if isinstance(seconds, int | float):
        steps, batch = (format_value(run.parameters.get(key)) for key in ("steps", "batch"))
        several = f"{len(run.seeds)} seeds, each of " if len(run.seeds) > 1 else ""
        detail = f"{several}{steps} steps of {batch} images"
        figures.append(("Training", format_duration(seconds), detail))
    return figures


@dataclass(frozen=True)
class Comparability:
    """What decides which numbers compare with the paper's; `comparability.html` says it."""

    datasets: list[str]
    networks: list[str]  # that are matched
    most_steps: int
    inception: list[str]  # evaluators that are FID's own Inception
    others: list[str]  # evaluators that are not
    conditions: str  # of the scores in Inception's features


def comparability(study: Study) -> Comparability:
    """The facts of this study."""
    runs = list(study.runs.values())
    precisions = [run.model.precision for run in runs if run.model]
    networks = [name for names in precisions for name in names if name != "generator"]
    steps = [run.parameters.get("steps") for run in runs]
    files = {name: scores for name in study.evaluators if (scores := study.scores_in(name))}
    inception = [name for name, scores in files.items() if scores[0].canonical]
    return Comparability(
        datasets=[run.dataset for run in runs],
        networks=networks or [str(run.parameters.get("extractor")) for run in runs],
        most_steps=max((count for count in steps if isinstance(count, int)), default=0),
        inception=inception,
        others=[name for name in files if name not in inception],
        conditions=scoring_conditions(one for name in inception for one in files[name]),
    )
