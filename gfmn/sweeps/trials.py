"""Trials of a search: Optuna proposes their values and keeps what they came to.

A search that was stopped resumes: each trial is proposed from the number of those before it, so the
one that was under way is begun again with the same values, and none that has ended.
"""

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gfmn.common import json_reader, yaml_reader
from gfmn.common.errors import InputError
from gfmn.sweeps import GRID, SAMPLERS
from gfmn.sweeps.points import combinations, plan

RANGE = re.compile(r"(\S+?)\.\.(\S+)")
DECADE = 10  # a range of as much, from above 0, is of logarithms
ROW = "row"  # what a trial came to, in its attributes

Fields = Mapping[str, Sequence[Any]]  # values by field; a range is one value, `low..high`
Row = dict[str, Any]


def distribution(field: str, values: Sequence[Any]) -> BaseDistribution:
    """What a field's values are drawn from: a list as JSON texts, or a range."""
    if not (ends := _ends(field, values)):
        return CategoricalDistribution([json.dumps(value) for value in values])
    low, high = ends
    log = low > 0 and DECADE * low <= high
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(low, high, log=log)


def _ends(field: str, values: Sequence[Any]) -> tuple[float, float] | None:
    if len(values) != 1 or not (found := RANGE.fullmatch(str(values[0]))):
        return None
    low, high = (yaml_reader.load(text, field) for text in found.groups())
    if not all(isinstance(end, int | float) for end in (low, high)) or not low < high:
        raise InputError(f"{field}: expected a range as 1e-4..1e-2, found {values[0]!r}")
    return low, high


def check_fields(
    params: Mapping[str, Any], where: str, run: str, fields: Fields, sampler: str
) -> None:
    """Check what can be tried as the study's own check does: a grid's every combination.

    Otherwise every value of each field, and the ends of its range. Raises `InputError`.
    """
    ends = {field: _ends(field, values) for field, values in fields.items()}
    if sampler != GRID:
        for field, values in fields.items():
            plan(params, where, [run], {field: ends[field] or values})
    elif found := [field for field, range in ends.items() if range]:
        hint = f"{' or '.join(SAMPLERS)} takes a range"
        raise InputError(f"{found[0]}: expected values for a grid, found a range; --sampler {hint}")
    else:
        plan(params, where, [run], fields)


class Trials:
    """The trials of one search, in a file that several searches may share.

    `name`: what must be equal for a trial to be this search's. `seed`: of the samplers' values.
    """

    def __init__(
        self, path: Path, name: str, fields: Fields, sampler: str = GRID, seed: int = 0
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path.parent.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(path)))
        self.study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
        self.fields, self.sampler, self.seed = fields, sampler, seed
        self.distributions = {field: distribution(field, v) for field, v in fields.items()}
        for stopped in self.study.get_trials(states=[TrialState.RUNNING]):
            self._tell(stopped.number, stopped.user_attrs.get(ROW, {}).get("fd"))

    def rows(self) -> list[Row]:
        """Of the trials that have ended, in their order."""
        return [t.user_attrs[ROW] for t in self.study.get_trials() if ROW in t.user_attrs]

    def run(self, count: int | None, train: Callable[[dict[str, Any]], Row]) -> Iterator[Row]:
        """The rows of all trials: those that have ended, then of each that is trained now.

        `train` takes a trial's values and returns its row, whose `fd`, a number or None, is to be
        low. `count`: of trials; None for a whole grid.
        """
        if self.sampler == GRID:
            whole = math.prod(map(len, self.fields.values()))
            count = min(count or whole, whole)
        rows = self.rows()[:count]
        yield from rows
        for number in range(len(rows), count or 0):
            trial = self._ask(number)
            row = train(self._values(trial.params))
            trial.set_user_attr(ROW, row)
            self._tell(trial.number, row["fd"])
            yield row

    def _tell(self, number: int, value: float | None) -> None:
        self.study.tell(number, value, TrialState.FAIL if value is None else None)

    def _ask(self, number: int) -> optuna.Trial:
        if self.sampler != GRID:
            seed = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
            self.study.sampler = getattr(optuna.samplers, SAMPLERS[self.sampler])(seed=int(seed))
        elif not self.study.get_trials(states=[TrialState.WAITING]):  # of a search that was stopped
            values = next(itertools.islice(combinations(self.fields), number, None))
            self.study.enqueue_trial({field: json.dumps(v) for field, v in values.items()})
        return self.study.ask(self.distributions)

    def _values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """By field, in the fields' order."""
        return {
            field: json_reader.loads(drawn[field])
            if isinstance(self.distributions[field], CategoricalDistribution)
            else drawn[field]
            for field in self.fields
        }
