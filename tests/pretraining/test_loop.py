"""The loop of a pretraining: exact resuming, signals, divergence."""

from pathlib import Path
from typing import Any

import pytest
import torch
from builders.pretraining import AUTOENCODER, CLASSIFIER, task

from gfmn import pretraining
from gfmn.common.errors import InputError, Stopped
from gfmn.datasets.prepared import PreparedDataset
from gfmn.runtime.checkpoints import Checkpoints


@pytest.mark.parametrize("row", [CLASSIFIER, AUTOENCODER], ids=["classifier", "autoencoder"])
def test_resumed_pretraining_gives_the_same_bytes(
    row: dict[str, Any], digits: PreparedDataset, tmp_path: Path
) -> None:
    whole = task(digits, row)
    history = pretraining.pretrain(whole, Checkpoints(tmp_path / "a", "net", "f"))

    class Killed(BaseException):
        pass

    half = task(digits, row)
    step = half.step

    def until(number: int) -> torch.Tensor:
        if number == 3:
            raise Killed
        return step(number)

    half.step = until  # type: ignore[method-assign]
    places = Checkpoints(tmp_path / "b", "net", "f")
    with pytest.raises(Killed):
        pretraining.pretrain(half, places, every=0.0)
    rest = task(digits, row, **{})
    again = pretraining.pretrain(rest, places)
    assert again.text() == history.text()
    expected, found = whole.state(), rest.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert whole.result().metrics == rest.result().metrics


def test_signal_saves_a_checkpoint(digits: PreparedDataset, tmp_path: Path) -> None:
    import signal

    found = task(digits, AUTOENCODER)
    step = found.step

    def asked(number: int) -> torch.Tensor:
        if number == 2:
            signal.raise_signal(signal.SIGTERM)
        return step(number)

    found.step = asked  # type: ignore[method-assign]
    places = Checkpoints(tmp_path, "net", "f")
    with pytest.raises(Stopped, match="stopped by SIGTERM after step 3 of 6"):
        pretraining.pretrain(found, places)
    kept = places.latest()
    assert kept is not None and kept.step == 3


def test_nan_loss_is_one_line(digits: PreparedDataset, tmp_path: Path) -> None:
    config = pretraining.parse(AUTOENCODER, "x").model_copy(update={"lr": 1e30})
    with pytest.raises(InputError, match="net: expected a finite loss, found nan by step"):
        pretraining.pretrain(config.build("net", digits), Checkpoints(tmp_path, "net", "f"))
