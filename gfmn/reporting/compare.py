"""`gfmn compare`: the scores and parameters of two studies, or of two versions of one."""

import argparse
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting.compared_study import ComparedStudy, read_compared
from gfmn.reporting.formatting import decimals_for, flatten, format_difference, format_number

DEFAULT_KINDS = ("fid", "fd", "is", "score", "precision", "recall")
KEYS = ["run", "dataset", "evaluator"]
MUST_AGREE = {  # column -> what it is called; two scores compare where all of these are the same
    "evaluator_digest": "evaluator",
    "architecture": "architecture",
    "resizer": "resizer",
    "dataset_digest": "data set",
    "n_generated": "n generated",
    "n_real": "n real",
    "n_reference": "n reference",
    "over": "made over",
}
INFO = ["kind", "title", "direction", "decimals"]
COUNT = r"_\d+k?$"  # ends a score's name: its number of images
DIGEST = 12  # characters of a digest that are shown
NUMERIC = ("A", "B", "B − A", "sd")
ARROWS = {"lower": " ↓", "higher": " ↑", "half": " → 0.5"}
LEGEND = (
    "n: generated or held-out images against real ones. ± over seeds, standard deviation (n − 1); "
    "sd: the difference in units of it, of both studies' root mean square where both have several. "
    "↓ lower is better, ↑ higher, → 0.5 near one half."
)
EPILOG = """\
A and B are each a study's folder (params.yaml with data/scores or reports/tables/scores.parquet),
or FOLDER@REVISION: a commit, branch, tag or DVC experiment of the folder's git repository, of which
reports/tables/scores.parquet is read. Runs are matched by name. A difference is given only between
scores of one evaluator, data set and number of images; for others both values and the reason.
"""

Changes = Mapping[str, Mapping[str, tuple[str, str]]]  # by run, by parameter: A and B


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.description = "The scores and parameters of two studies, or two versions of one."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("a", metavar="A", help="a study's folder, or FOLDER@REVISION")
    parser.add_argument("b", metavar="B", help="likewise")
    selection = parser.add_mutually_exclusive_group()
    selection.add_argument(
        "--scores",
        help=f"kinds or names of scores, with commas (default: {','.join(DEFAULT_KINDS)})",
    )
    selection.add_argument("--all", action="store_true", help="every score that there is")
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def run(arguments: argparse.Namespace) -> str:
    """The comparison as text, or as JSON; raises `InputError` for a study that cannot be read."""
    a, b = read_compared(arguments.a), read_compared(arguments.b)
    wanted = tuple(arguments.scores.split(",")) if arguments.scores else DEFAULT_KINDS
    pairs, changes = pair_scores(a, b, None if arguments.all else wanted), parameter_changes(a, b)
    if arguments.json:
        return json.dumps(_as_json(a, b, pairs, changes), indent=2, ensure_ascii=False)
    return "\n".join(_as_text(a, b, pairs, changes))


def pair_scores(
    a: ComparedStudy, b: ComparedStudy, wanted: Collection[str] | None = DEFAULT_KINDS
) -> pd.DataFrame:
    """A row a run, space and score in either study, by name or else but for its number of images.

    Columns: `KEYS`, `metric`, `INFO`; metric, value, std (over seeds, n - 1), seeds and those of
    `MUST_AGREE` of each study, ending in `_a` and `_b`; `difference`, B - A, missing where `reason`
    says what keeps the two from being compared; `deviations`, the difference in units of the root
    mean square of the deviations over seeds; `verdict`: whether B is better, worse or equal.
    `wanted`: kinds of score or whole names, None for all. Raises `InputError` for an unknown one.
    """
    both = pd.concat([a.scores, b.scores])
    if wanted is not None and wanted is not DEFAULT_KINDS:
        known = set(both[["kind", "metric"]].stack().dropna())
        for name in wanted:
            if name not in known:
                raise InputError(f"--scores: no {name!r}; {suggest(name, known)}")
    info = both.groupby("metric", sort=False)[INFO].first()  # as a study says that knows it
    sides = [_means(study.scores, info, wanted) for study in (a, b)]
    names = [side.set_index([*KEYS, "metric"]).index for side in sides]
    for side, own, others in zip(sides, names, names[::-1], strict=True):
        stem = side["metric"].str.replace(COUNT, "", regex=True)
        side["match"] = side["metric"].where(own.isin(others), stem)
    pairs = sides[0].merge(sides[1], "outer", [*KEYS, "match"], suffixes=("_a", "_b"))
    order = {key: list(dict.fromkeys(pd.concat(sides)[key])) for key in (*KEYS, "match")}
    pairs = pairs.sort_values(list(order), key=lambda one: one.map(order[str(one.name)].index))
    first = pairs["metric_a"].fillna(pairs["metric_b"])
    other = pairs["metric_b"].fillna(first)
    pairs = pairs.assign(metric=first.where(first == other, first + " / " + other))
    pairs = pairs.join(info.reindex(first).set_index(pairs.index))
    pairs["reason"] = [_reason(pair, a, b) for _, pair in pairs.iterrows()]
    x, y = pairs["value_a"], pairs["value_b"]
    pairs["difference"] = (y - x).where(pairs["reason"] == "")
    scale = (pairs[["std_a", "std_b"]] ** 2).mean(axis=1) ** 0.5
    pairs["deviations"] = (pairs["difference"] / scale).where(scale > 0)
    better = {"lower": x - y, "higher": y - x, "half": (x - 0.5).abs() - (y - 0.5).abs()}
    pairs["verdict"] = ""
    for direction, gain in better.items():
        is_of = (pairs["direction"] == direction) & pairs["difference"].notna()
        for name, holds in (("equal", gain == 0), ("better", gain > 0), ("worse", gain < 0)):
            pairs.loc[is_of & holds, "verdict"] = name
    return pairs.reset_index(drop=True)


def _means(
    scores: pd.DataFrame, info: pd.DataFrame, wanted: Collection[str] | None
) -> pd.DataFrame:
    """A row a run, space and score, over its seeds."""
    groups = scores.astype({"value": float}).groupby([*KEYS, "metric"], sort=False)
    means = groups.agg(
        value=("value", "mean"),
        std=("value", "std"),
        seeds=("seed", lambda seeds: [int(seed) for seed in seeds.dropna()]),
        **{key: (key, "first") for key in MUST_AGREE},
    ).reset_index()
    kinds = means["metric"].map(info["kind"])
    if wanted is DEFAULT_KINDS:
        return means[kinds.isin(DEFAULT_KINDS) & means["metric"].str.contains(COUNT)].copy()
    return (
        means if wanted is None else means[kinds.isin(wanted) | means["metric"].isin(wanted)].copy()
    )


def _reason(pair: "pd.Series[Any]", a: ComparedStudy, b: ComparedStudy) -> str:
    """What keeps two scores from being compared, or why a study has none; empty where none does."""
    for study, letter in ((a, "a"), (b, "b")):
        if pd.isna(pair[f"value_{letter}"]):
            if pair["run"] not in study.runs and pair["run"] not in set(study.scores["run"]):
                return f"no such run in {letter.upper()}"
            status = study.status.get(pair["run"], "scored")
            return f"not in {letter.upper()}" + ("" if status == "scored" else f" ({status})")
    reasons = []
    for key, name in MUST_AGREE.items():
        values = pair[f"{key}_a"], pair[f"{key}_b"]
        if not any(map(pd.isna, values)) and values[0] != values[1]:
            shown = (v[:DIGEST] if "digest" in key else _thousands(v) for v in values)
            reasons.append(f"other {name}: {' and '.join(shown)}")
    if not reasons and pair["metric_a"] != pair["metric_b"]:
        reasons = ["other numbers of images"]
    return "; ".join(reasons)


def parameter_changes(a: ComparedStudy, b: ComparedStudy) -> dict[str, dict[str, tuple[str, str]]]:
    """The parameters that differ, by run, for the runs in both studies; as text, A and B."""
    changes = {}
    for run in a.runs:
        if run in b.runs:
            frame = pd.DataFrame([flatten(a.runs[run]), flatten(b.runs[run])]).fillna("none")
            changes[run] = {str(k): (x, y) for k, (x, y) in frame.items() if x != y}
    return changes


def _as_json(
    a: ComparedStudy, b: ComparedStudy, pairs: pd.DataFrame, changes: Changes
) -> dict[str, Any]:
    """The comparison as plain data; `difference` is null where nothing compares."""
    rows = []
    for pair in pairs.astype(object).where(pairs.notna(), None).to_dict("records"):
        sides: dict[str, Any] = {}
        for letter in ("a", "b"):
            names = ("metric", "value", "std", "seeds", *MUST_AGREE)
            side = {name: pair[f"{name}_{letter}"] for name in names}
            facts = {k: v for k, v in side.items() if v is not None or k == "std"}
            sides[letter] = None if side["value"] is None else facts
        row = {key: pair[key] for key in KEYS} | sides
        row |= {key: pair[key] for key in ("difference", "deviations")}
        rows.append(row | {"verdict": pair["verdict"] or None, "why": pair["reason"] or None})
    return {
        "a": a.label,
        "b": b.label,
        "scores": rows,
        "parameters": changes,
        "only_a": [run for run in a.runs if run not in b.runs],
        "only_b": [run for run in b.runs if run not in a.runs],
    }


def _as_text(
    a: ComparedStudy, b: ComparedStudy, pairs: pd.DataFrame, changes: Changes
) -> Iterator[str]:
    """A table a feature space, then the parameters that differ and the runs in one study only."""
    yield from (f"A: {a.label}", f"B: {b.label}")
    for (evaluator, dataset), rows in pairs.groupby(["evaluator", "dataset"], sort=False):
        digests = rows[["evaluator_digest_a", "evaluator_digest_b"]].stack().dropna()
        shown = " and ".join(digests.str[:DIGEST].unique())
        yield f"\nEvaluator {evaluator} ({shown}), data set {dataset}"
        yield from _table(rows)
    yield f"\n{LEGEND}\n" if len(pairs) else "\nNo score of those asked for.\n"
    yield from _parameters(changes)
    for study, letter, other in ((a, "A", b), (b, "B", a)):
        if alone := [run for run in study.runs if run not in other.runs]:
            yield f"Only in {letter}: {', '.join(alone)}"


def _table(pairs: pd.DataFrame) -> Iterator[str]:
    rows = []
    for _, pair in pairs.iterrows():
        decimals = pair["decimals"]
        if pd.isna(decimals):
            alike = pairs.loc[pairs["metric"] == pair["metric"], ["value_a", "value_b"]]
            decimals = decimals_for(alike.stack())
        signed = {"B − A": (pair["difference"], decimals), "sd": (pair["deviations"], 1)}
        counts = dict.fromkeys(_counts(pair, one) for one in "ab" if pd.notna(pair[f"value_{one}"]))
        rows.append(
            {
                "run": pair["run"],
                "score": pair["metric"] + ARROWS.get(pair["direction"], ""),
                "n": " / ".join(counts),
                "A": _value(pair, "a", decimals),
                "B": _value(pair, "b", decimals),
                **{
                    k: "" if pd.isna(v) else format_difference(v, d) for k, (v, d) in signed.items()
                },
                "": pair["reason"] or pair["verdict"],
            }
        )
    frame = pd.DataFrame(rows)
    frame = frame.loc[:, (frame != "").any()]
    frame["run"] = frame["run"].mask(frame["run"] == frame["run"].shift(), "")
    for name, column in frame.items():
        width = max(len(str(name)), column.str.len().max())
        is_right = name in NUMERIC
        frame[name] = column.str.rjust(width) if is_right else column.str.ljust(width)
        heading = str(name).rjust(width) if is_right else str(name).ljust(width)
        frame = frame.rename(columns={name: heading})
    yield "  ".join(frame.columns).rstrip()
    yield from ("  ".join(row).rstrip() for row in frame.to_numpy())


def _value(pair: "pd.Series[Any]", side: str, decimals: int) -> str:
    value, std, seeds = (pair[f"{key}_{side}"] for key in ("value", "std", "seeds"))
    if pd.isna(value):
        return "–"
    text = format_number(value, decimals)
    return text if pd.isna(std) else f"{text} ± {format_number(std, decimals)}, {len(seeds)} seeds"


def _counts(pair: "pd.Series[Any]", side: str) -> str:
    generated, real, reference = (
        pair[f"{key}_{side}"] for key in ("n_generated", "n_real", "n_reference")
    )
    scored = real if pd.isna(generated) else generated
    return " vs ".join("?" if pd.isna(n) else _thousands(n) for n in (scored, reference))


def _thousands(value: Any) -> str:
    return value if isinstance(value, str) else f"{int(value):,}"


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
