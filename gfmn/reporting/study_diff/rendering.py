"""The difference between two studies as text and as plain data."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gfmn.reporting.formatting import decimals_for, format_difference, format_number
from gfmn.reporting.study_diff.score_pairs import DIGEST, RunScore, ScorePair
from gfmn.reporting.study_diff.study_scores import StudyScores

HEADINGS = ("run", "score", "n", "A", "B", "B − A", "sd", "")
NUMERIC = ("A", "B", "B − A", "sd")
ARROWS = {"lower": "↓", "higher": "↑", "half": "→ 0.5"}
LEGEND = (
    "n: generated or held-out images against real ones. ± over seeds, standard deviation (n − 1); "
    "sd: the difference in units of it, of both studies' root mean square where both have several. "
    "↓ lower is better, ↑ higher, → 0.5 near one half."
)

Changes = Mapping[str, Mapping[str, tuple[str, str]]]  # by run, by parameter: A and B


def as_text(a: StudyScores, b: StudyScores, pairs: Sequence[ScorePair], changes: Changes) -> str:
    """A table a feature space, then the parameters that differ and the runs in one study only."""
    lines = [f"A: {a.label}", f"B: {b.label}"]
    for space in dict.fromkeys((pair.evaluator, pair.dataset) for pair in pairs):
        of_space = [pair for pair in pairs if (pair.evaluator, pair.dataset) == space]
        lines += ["", f"Evaluator {_evaluator(of_space)}, data set {space[1]}", *_table(of_space)]
    lines += ["", LEGEND] if pairs else ["", "No score of those asked for."]
    lines += ["", *_parameters(changes)]
    for study, letter, other in ((a, "A", b), (b, "B", a)):
        if alone := [run for run in study.runs if run not in other.runs]:
            lines.append(f"Only in {letter}: {', '.join(alone)}")
    return "\n".join(lines)


def as_json(
    a: StudyScores, b: StudyScores, pairs: Sequence[ScorePair], changes: Changes
) -> dict[str, Any]:
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
            "why": pair.reason or None,
        }
        for pair in pairs
    ]
    parameters = {
        run: {key: list(values) for key, values in changed.items()}
        for run, changed in changes.items()
    }
    return {
        "a": a.label,
        "b": b.label,
        "scores": scores,
        "parameters": parameters,
        "only_a": [run for run in a.runs if run not in b.runs],
        "only_b": [run for run in b.runs if run not in a.runs],
    }


def _evaluator(pairs: Sequence[ScorePair]) -> str:
    """The evaluator's name with its digest, with both where the studies differ."""
    scores = [score for pair in pairs for score in pair.scores]
    digests = dict.fromkeys(str(s.facts.get("evaluator_digest", ""))[:DIGEST] for s in scores)
    return f"{pairs[0].evaluator} ({' and '.join(digests)})"


def _table(pairs: Sequence[ScorePair]) -> Iterator[str]:
    rows = [_row(pair, _decimals(pair, pairs)) for pair in pairs]
    columns = [i for i in range(len(HEADINGS)) if any(row[i] for row in rows)]
    widths = {i: max(len(row[i]) for row in [HEADINGS, *rows]) for i in columns}
    before = ""
    for row in [HEADINGS, *rows]:
        cells = {i: "" if i == 0 and row[0] == before else row[i] for i in columns}
        before = row[0]
        padded = (
            cell.rjust(widths[i]) if HEADINGS[i] in NUMERIC else cell.ljust(widths[i])
            for i, cell in cells.items()
        )
        yield "  ".join(padded).rstrip()


def _row(pair: ScorePair, decimals: int) -> tuple[str, ...]:
    difference, deviations = pair.difference, pair.deviations
    return (
        pair.run,
        f"{pair.metric} {ARROWS.get(pair.info.direction or '', '')}".rstrip(),
        " / ".join(dict.fromkeys(_counts(score) for score in pair.scores)),
        _value(pair.a, decimals),
        _value(pair.b, decimals),
        "" if difference is None else format_difference(difference, decimals),
        "" if deviations is None else format_difference(deviations, 1),
        pair.reason or pair.verdict,
    )


def _decimals(pair: ScorePair, pairs: Iterable[ScorePair]) -> int:
    """Decimals for all values of one score."""
    if pair.info.decimals is not None:
        return pair.info.decimals
    alike = [other for other in pairs if other.metric == pair.metric]
    return decimals_for(score.mean for other in alike for score in other.scores)


def _value(score: RunScore | None, decimals: int) -> str:
    if score is None:
        return "–"
    text = format_number(score.mean, decimals)
    if score.std is None:
        return text
    return f"{text} ± {format_number(score.std, decimals)}, {len(score.seeds)} seeds"


def _counts(score: RunScore) -> str:
    scored = score.facts.get("n_generated", score.facts.get("n_real"))
    reference = score.facts.get("n_reference")
    return " vs ".join("?" if n is None else f"{n:,}" for n in (scored, reference))


def _parameters(changes: Changes) -> Iterator[str]:
    """What differs in every run, then what differs in some, runs with the same changes together."""
    texts = {
        run: [f"{key}: {a} → {b}" for key, (a, b) in changed.items()]
        for run, changed in changes.items()
    }
    if not any(texts.values()):
        yield "No parameter differs in the runs of both." if texts else "No run in common."
        return
    yield "Parameters that differ, A → B"
    first = next(iter(texts.values()))
    shared = [text for text in first if all(text in others for others in texts.values())]
    runs: dict[str, list[str]] = {}
    for run, own in texts.items():
        runs.setdefault("; ".join(text for text in own if text not in shared), []).append(run)
    if shared:
        yield f"  in every run: {'; '.join(shared)}"
    yield from (f"  {', '.join(names)}: {rest}" for rest, names in runs.items() if rest)
