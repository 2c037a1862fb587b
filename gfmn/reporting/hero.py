"""What opens the page: real images and samples of the headline run, and its key figures."""

from typing import Any

from gfmn.reporting.album import Album
from gfmn.reporting.display import decimals_for, number
from gfmn.reporting.gallery import main_scores
from gfmn.reporting.record import duration
from gfmn.reporting.results import Study


def opening(study: Study, album: Album) -> dict[str, Any]:
    """The headline run beside its data set, as pictures of the same shape."""
    run = study.headline
    dataset = run.parameters.get("dataset")
    return {
        "run": run,
        "which": run.which(run.shown.seed),
        "dataset": dataset,
        "real": album.real(dataset),
        "made": album.samples(run.name),
    }


def key_figures(study: Study) -> list[tuple[str, str, str]]:
    """Key figures: what, how much, and of how many in which space."""
    run = study.headline
    found = []
    main = next((scores for name in study.evaluators if (scores := run.scores(name))), None)
    if main:
        real = study.real.get((main.dataset, main.evaluator))
        for score in main_scores(main, ("fid", "fd", "is", "score")):
            of = ", ".join(filter(None, (score["of"], score["over"])))
            found.append((score["what"], score["value"], f"{score['key']}; {of}"))
            if real and len(found) == 1 and score["key"] in real.seeds[0].scores:
                value = real.seeds[0].scores[score["key"]].value
                text = number(value, decimals_for([value]))
                of = f"{real.evaluator}; {real.n:,} against {real.n_reference:,} other real images"
                found.append(("Real against real", text, f"{score['key']}; {of}"))
    if run.model:
        many = f"{run.model.features:,}"
        found.append(
            ("Matched features", many, f"of {len(run.model.taps)} taps, mean and variance")
        )
    seconds = study.timings.get(f"train-{run.name}", {}).get("seconds")
    if isinstance(seconds, int | float):
        detail = f"{run.parameters.get('steps'):,} steps of {run.parameters.get('batch'):,} images"
        several = f"{len(run.seeds)} seeds, each of " if len(run.seeds) > 1 else ""
        found.append(("Training", duration(seconds), several + detail))
    return found
