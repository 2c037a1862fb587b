"""A trained generator that the tests of its uses share."""

from pathlib import Path

import pytest
from builders.generator_files import change_config, saved


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run `x` with the seed 3: a random generator of 32 px and latent 16."""
    run = tmp_path_factory.mktemp("models") / "x"
    run.mkdir()
    saved(run / "seed-3")
    change_config(run / "seed-3", run="x", parameters={"seed": 3}, gaps=[])
    return run
