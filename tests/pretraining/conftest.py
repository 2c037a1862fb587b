"""Digits to train on."""

import pytest
from builders.pretraining import digits_of

from gfmn.datasets.prepared import PreparedDataset


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return digits_of(32, tmp_path_factory.mktemp("data") / "digits")
