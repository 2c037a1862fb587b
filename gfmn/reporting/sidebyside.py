"""A comparison of two studies as text and as plain data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gfmn.reporting import names
from gfmn.reporting.differences import Pair, Value
from gfmn.reporting.display import decimals_for, number, signed
from gfmn.reporting.sides import Side

HEADS = ("run", "score", "n", "A", "B", "B − A", "sd", "")
NUMERIC = ("A", "B", "B − A", "sd")
ARROWS = {"min": "↓", "max": "↑", "half": "→ 0.5"}
MEANING = (
    "n: generated or held-out images against real ones. ± over seeds, standard deviation (n − 1); "
    "sd: the difference in units of it, of both sides' root mean square where both have several. "
    "↓ lower is better, ↑ higher, → 0.5 near one half."
)

Changed = Mapping[str, Mapping[str, tuple[str, str]]]


def as_text(a: Side, b: Side, found: Sequence[Pair], changed: Changed) -> str:
    """A table a space, then the parameters that differ and the runs of one side only."""
    lines = [f"A: {a.label}", f"B: {b.label}"]
    for space in dict.fromkeys((pair.evaluator, pair.dataset) for pair in found):
        mine = [pair for pair in found if (pair.evaluator, pair.dataset) == space]
        lines += ["", f"Evaluator {_evaluator(mine)}, data set {space[1]}", *_table(mine)]
    lines += ["", MEANING] if found else ["", "No score of those asked for."]
    lines += ["", *_parameters(changed)]
    for side, letter, other in ((a, "A", b), (b, "B", a)):
        if alone := [run for run in side.runs if run not in other.runs]:
            lines.append(f"Only in {letter}: {', '.join(alone)}")
    return "\n".join(lines)


def as_json(a: Side, b: Side, found: Sequence[Pair], changed: Changed) -> dict[str, Any]:
    """The same as plain data; `difference` is B - A and null where nothing compares."""
    scores = [
        {
            "run": pair.run,
            "dataset": pair.dataset,
            "evaluator": pair.evaluator,
            "a": pair.a.to_json() if pair.a else None,
            "b": pair.b.to_json() if pair.b else None,
            "difference": pair.difference,
            "deviations": pair.deviations,
            "verdict": pair.verdict or None,
            "why": pair.why or None,
        }
        for pair in found
    ]
    return {
        "a": a.label,
        "b": b.label,
        "scores": scores,
        "parameters": {
            run: {key: list(both) for key, both in of.items()} for run, of in changed.items()
        },
        "only_a": [run for run in a.runs if run not in b.runs],
        "only_b": [run for run in b.runs if run not in a.runs],
    }


def _evaluator(found: Sequence[Pair]) -> str:
    """The evaluator's name with its digest, with both where the sides differ."""
    sides = [side for pair in found for side in (pair.a, pair.b) if side]
    digests = dict.fromkeys(str(side.facts.get("evaluator_digest", ""))[:12] for side in sides)
    return f"{found[0].evaluator} ({' and '.join(digests)})"


def _table(found: Sequence[Pair]) -> Iterator[str]:
    rows = [_row(pair, _places(pair, found)) for pair in found]
    columns = [i for i in range(len(HEADS)) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in [HEADS, *rows]) for i in columns}
    before = ""
    for row in [HEADS, *rows]:
        cells = {i: "" if i == 0 and row[0] == before else row[i] for i in columns}
        before = row[0]
        padded = (
            cell.rjust(widths[i]) if HEADS[i] in NUMERIC else cell.ljust(widths[i])
            for i, cell in cells.items()
        )
        yield "  ".join(padded).rstrip()


def _row(pair: Pair, places: int) -> tuple[str, ...]:
    change, deviations = pair.difference, pair.deviations
    return (
        pair.run,
        f"{pair.metric} {ARROWS.get(names.best(pair.metric), '')}".rstrip(),
        " / ".join(dict.fromkeys(_n(side) for side in (pair.a, pair.b) if side)),
        _text(pair.a, places),
        _text(pair.b, places),
        "" if change is None else signed(change, places),
        "" if deviations is None else signed(deviations, 1),
        pair.why or pair.verdict,
    )


def _places(pair: Pair, found: Iterable[Pair]) -> int:
    """Decimals for all values of one score."""
    if known := names.PLACES.get(names.kind(pair.metric)):
        return known
    alike = [one for one in found if one.metric == pair.metric]
    return decimals_for(side.mean for one in alike for side in (one.a, one.b) if side)


def _text(side: Value | None, places: int) -> str:
    if side is None:
        return "–"
    spread = "" if side.std is None else f" ± {number(side.std, places)}, {len(side.seeds)} seeds"
    return number(side.mean, places) + spread


def _n(side: Value) -> str:
    scored = side.facts.get("n_generated", side.facts.get("n_real"))
    against = side.facts.get("n_reference")
    return " vs ".join("?" if n is None else f"{n:,}" for n in (scored, against))


def _parameters(changed: Changed) -> Iterator[str]:
    """What differs in every run, then what differs in some, runs with the same changes together."""
    changes = {
        run: [f"{key}: {a} → {b}" for key, (a, b) in of.items()] for run, of in changed.items()
    }
    if not any(changes.values()):
        yield "No parameter differs in the runs that both have." if changes else "No run in common."
        return
    yield "Parameters that differ, A → B"
    first = next(iter(changes.values()))
    shared = [word for word in first if all(word in of for of in changes.values())]
    runs: dict[str, list[str]] = {}
    for run, of in changes.items():
        runs.setdefault("; ".join(word for word in of if word not in shared), []).append(run)
    if shared:
        yield f"  in every run: {'; '.join(shared)}"
    yield from (f"  {', '.join(which)}: {rest}" for rest, which in runs.items() if rest)
