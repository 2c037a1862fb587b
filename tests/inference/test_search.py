"""`gfmn search`: which parameters a row of the search has."""

from gfmn.inference.search import changed


def test_changed_sets_fields_and_fields_of_groups() -> None:
    row = {"lr": 1e-3, "ama": {"rate": 0.1, "beta1": 0.9}}
    result = changed(row, {"lr": 5e-4, "ama.rate": 1e-2, "ma.rate": 0.5})
    assert result == {"lr": 5e-4, "ama": {"rate": 1e-2, "beta1": 0.9}, "ma": {"rate": 0.5}}
    assert row == {"lr": 1e-3, "ama": {"rate": 0.1, "beta1": 0.9}}
