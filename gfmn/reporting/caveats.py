"""What few images, and generators whose samples are all alike, take from a run's numbers."""

from collections.abc import Iterator

from gfmn.reporting.results import RunResult

MARK = "collapsed: "  # begins the caveat of an evaluation whose images are all alike


def collapsed(run: RunResult) -> str:
    """That the samples of a run's seeds are all alike, by the scores or by the training; or ''."""
    found = collapsed_seeds(run)
    seeds = ", ".join(map(str, sorted(found)))
    label = f"seed {seeds}: " if len(run.seeds) > 1 else ""
    return f"{label}{next(iter(found.values()))}" if found else ""


def collapsed_seeds(run: RunResult) -> dict[int, str]:
    """What is alike in the samples of each seed that collapsed."""
    models = {seed.seed: seed.model for seed in run.seeds}
    found = {seed: model.collapsed for seed, model in models.items() if model and model.collapsed}
    for seed, _, text in _by_seed(run):
        if text.startswith(MARK):
            found[seed] = text.removeprefix(MARK)
    return found


def caveats(run: RunResult) -> list[str]:
    """A run's caveats by score and space, each once, with the seeds that have it if not all do."""
    seeds: dict[str, list[int]] = {}
    for seed, evaluator, text in _by_seed(run):
        seeds.setdefault(f"{evaluator}, {text}", []).append(seed)
    some = {text: ", ".join(map(str, of)) for text, of in seeds.items() if len(of) < len(run.seeds)}
    return [f"{text} (seed {some[text]})" if text in some else text for text in seeds]


def _by_seed(run: RunResult) -> Iterator[tuple[int, str, str]]:
    """Seed, evaluator and text."""
    for one in run.evaluations:
        for seed in one.scores.seeds if one.scores else ():
            for text in seed.caveats:
                yield seed.seed or 0, one.evaluator, text
