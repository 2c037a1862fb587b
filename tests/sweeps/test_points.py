"""Points: which there are, what they are called, and that all are checked."""

from typing import Any

import pytest
from builders.sweeps import study
from dulwich.refs import check_ref_format

from gfmn.common.errors import InputError
from gfmn.common.runs import run_row
from gfmn.sweeps.points import Point, changed, choices, combinations, plan

WHERE = "params.yaml"


def names(*fields: str, seeds: int | None = None) -> list[str]:
    points = plan(study(), WHERE, ["a"], choices(fields, "--set"), seeds)
    return [point.name for point in points]


def test_every_combination_is_a_point_and_each_seed_one() -> None:
    assert names("lr=1e-4,1e-3", "ama.rate=0.1,0.2") == [
        "a-lr=0.0001-ama.rate=0.1",
        "a-lr=0.0001-ama.rate=0.2",
        "a-lr=0.001-ama.rate=0.1",
        "a-lr=0.001-ama.rate=0.2",
    ]
    assert names("lr=1e-4", seeds=2) == ["a-lr=0.0001-seeds=0", "a-lr=0.0001-seeds=1"]
    assert names() == ["a"]


def test_values_are_yaml_and_lists_have_their_brackets() -> None:
    found = choices(["taps=[c1, c2],[c3],all", "lr=1e-4,.5", "x={a: 1},null"], "--set")
    assert found == {
        "taps": [["c1", "c2"], ["c3"], "all"],
        "lr": [1e-4, 0.5],
        "x": [{"a": 1}, None],
    }
    assert [*combinations({"a": [1, 2], "b": [3]})] == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]


def test_a_point_changes_its_row_and_leaves_the_parameters_alone() -> None:
    params = study() | {"defaults": {"ama": {"rate": 0.1, "beta1": 0.5}, "lr": 1.0}}
    del params["runs"]["a"]["lr"]
    point = changed(params, "a", {"lr": 5e-4, "ama.rate": 1e-2})
    row, _ = run_row(point, "a", WHERE)
    assert row["lr"] == 5e-4 and row["ama"] == {"rate": 1e-2, "beta1": 0.5}
    assert run_row(params, "a", WHERE)[0]["lr"] == 1.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (["lr=1e-3,-1"], "params.yaml: runs.a.lr: "),
        (["lrr=1e-3"], "params.yaml: runs.a.lrr: unknown key"),
        (["lr"], "--set: expected FIELD=VALUE,VALUE, found 'lr'"),
        (["lr="], "--set: expected FIELD=VALUE,VALUE, found 'lr='"),
        (["lr=1", "lr=2"], "--set lr: expected it once, found it again"),
        (["lr=[1"], "--set lr: expected YAML, found "),
        (["lr.x=1"], "lr.x: expected lr to be a mapping, found 0.001"),
        (["lr=1e-3,0.001"], "expected points that differ, found a-lr=0.001 twice"),
    ],
)
def test_what_is_no_valid_parameter_is_one_line(fields: list[str], message: str) -> None:
    with pytest.raises(InputError) as raised:
        names(*fields)
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("value", ["x..y", "a b", "@{", "x.lock/", "~^:?*", ["c"] * 99, -1e-9])
def test_git_takes_the_name_of_any_value(value: Any) -> None:
    name = Point("a", {"taps": value}).name
    assert check_ref_format(f"refs/exps/aa/bb/{name}".encode()) and "/" not in name
    assert len(name) <= 100
