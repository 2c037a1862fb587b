"""Digits to train on; nothing is compiled."""

import pytest
from builders.pretraining import digits_of

from gfmn.datasets.prepared import PreparedDataset


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return digits_of(32, tmp_path_factory.mktemp("data") / "digits")


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling a classifier takes longer than all of these tests."""
    monkeypatch.setattr("gfmn.pretraining.classifier.compiler_present", lambda: False)
