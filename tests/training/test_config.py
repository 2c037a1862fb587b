"""A run's parameters: what they refuse, and which of them decide its result."""

import pytest
from builders.training import config

from gfmn.common.errors import InputError
from gfmn.training.config import TrainingConfig
from gfmn.training.objectives import OBJECTIVES

ROW = {"dataset": "d", "extractor": "e", "steps": 5, "ama": {"init": "uniform"}}


def test_extras_are_off_by_default() -> None:
    defaults = config()
    assert (defaults.warmup, defaults.lr_hold_fraction) == (0, 1)
    assert (defaults.grad_clip_norm, defaults.ema) == (0, 0)


def test_every_objective_with_parameters_has_its_group() -> None:
    groups = {name for name, cls in OBJECTIVES.items() if cls.Config.model_fields}
    assert groups == {*OBJECTIVES} - {"l2", "mmd"}
    for name in groups:
        assert getattr(config(), name) == OBJECTIVES[name].Config()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "amma"}, "objective: expected 'ama', 'covariance', 'drifting',"),
        ({"ama": {"rat": 1}}, "ama.rat: unknown key; did you mean 'rate'?"),
        ({"ama": {"rate": "1"}}, "ama.rate: expected a valid number, found '1'"),
        ({"ama": {"normalize": "var"}}, "ama.normalize: expected 'none' or 'std', found 'var'"),
        ({"moment_match": {}}, "moment_match: unknown key; did you mean 'moment_matching'?"),
        ({"l2": {}}, "l2: unknown key"),
        ({"conditional": True}, "expected an objective of pooled features in a conditional run"),
        (
            {"conditional": True, "added": {"mmd": 1}, "decoder": "d"},
            "expected no decoder in a conditional run, found 'd'",
        ),
        ({"taps": 0}, "taps: expected 'all', the first n taps"),
        ({"processes": 9}, "expected a batch of at least 9, one a process"),
        ({"snapshots": 13}, "runs.x.snapshots: expected at most 12, one a step, found 13"),
    ],
)
def test_parse_refuses_in_one_line_that_names_the_field(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as refused:
        config(**changes)
    assert str(refused.value).startswith("runs.x") and message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_effective_leaves_out_what_changes_no_result() -> None:
    settings = config(objective="ma", weights={"a": 2.0}, taps=["a", "b"])
    effective = settings.effective()
    assert effective["ma"] == {"rate": 0.05} and effective["taps"] == ["a", "b"]
    left_out = settings.model_dump().keys() - effective.keys()
    assert left_out == {"log_every", "seeds", "microbatch", *OBJECTIVES} - {"ma", "l2", "mmd"}
    effective["seeds"] = [effective.pop("seed")]
    assert effective == TrainingConfig.parse(effective, "runs.x").effective()
    assert OBJECTIVES.keys().isdisjoint(config(objective="l2").effective())
    assert "drifting" in config(objective="l2", added={"drifting": 1.0}).effective()


def test_each_is_one_training_a_seed_in_their_order() -> None:
    several = TrainingConfig.parse({**ROW, "seeds": [5, 3]}, "runs.x")
    assert [one.seed for one in several.each()] == [5, 3]
    assert all("seeds" not in one.effective() for one in several.each())
    rest = [one.model_dump(exclude={"seed"}) for one in several.each()]
    assert rest == [several.model_dump(exclude={"seed"})] * 2
    assert [one.seed for one in TrainingConfig.parse(ROW, "runs.x").each()] == [0]
