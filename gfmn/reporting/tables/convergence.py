"""How far the loss of each training fell, and how much it still swung at the end."""

from collections.abc import Collection

import pandas as pd

from gfmn.reporting.figures.training import positive_losses
from gfmn.reporting.results import Study

COLUMNS = ("run", "seed", "first_step", "first", "last", "fall", "swing")
LAST = 1 / 3  # of the history, over which the swing is taken


def convergence(study: Study) -> pd.DataFrame:
    """A row a run and seed that has a history of at least three losses.

    `first`: the loss in the history's first row, at `first_step`. `last`: at the end. `fall`:
    first / last. `swing`: the largest factor by which the loss rises in the history's last third,
    from any point to a later one; 1 where it never rises.
    """
    rows = []
    for run in study.runs.values():
        for seed in run.seeds:
            if seed.history is None or "critic" in seed.history:  # no single loss falls
                continue
            history = positive_losses(seed.history)
            if len(history) < 3:
                continue
            loss = history["loss"]
            end = loss.iloc[-max(1, round(LAST * len(loss))) :]
            first, last = float(loss.iloc[0]), float(loss.iloc[-1])
            step, swing = int(history["step"].iloc[0]), float((end / end.cummin()).max())
            rows.append((run.name, seed.seed, step, first, last, first / last, swing))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def convergence_note(study: Study, runs: Collection[str]) -> str:
    """A sentence: by how much the runs' losses fell and swung, the seeds that did so least well."""
    frame = convergence(study)
    parts = []
    for run in runs:
        seeds = frame[frame["run"] == run]
        if len(seeds):
            fall, swing = seeds["fall"].min(), seeds["swing"].max()
            parts.append(f"{run} {fall:.3g} ({swing:.2g})")
    if not parts:
        return ""
    return (
        "From the first point to the last the loss fell by the factor, and in its last third it "
        f"swung by the factor in brackets, of the worst seed: {', '.join(parts)}."
    )
