"""Numbers and lists as a card says them."""

from gfmn.reporting.formatting import join
from gfmn.reporting.records import RunScores


def number(value: float) -> str:
    """Four digits, large numbers whole."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def counted(count: int, what: str) -> str:
    """`1 seed`, `3 seeds`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def of_seeds(scores: RunScores) -> str:
    """Which trainings scores are of."""
    listed = join(str(seed.seed) for seed in scores.seeds)
    return (
        f"of the training of seed {listed}"
        if len(scores.seeds) == 1
        else (
            f"of each of {counted(len(scores.seeds), 'training')} (seeds {listed}; means over them)"
        )
    )
