"""The statistics of real features: against numpy, and what their file is checked for."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.training import Taps32, orange_discs, real

from gfmn.common.errors import InputError
from gfmn.features import statistics


def test_extract_gives_numpys_mean_and_unbiased_variance() -> None:
    network, discs = Taps32(), orange_discs()
    found = real(network, discs[:50])  # the last batch is a short one
    taps = network(torch.from_numpy(discs[:50].astype(np.float32) / 255).permute(0, 3, 1, 2))
    for tap, features in zip(network.taps, taps, strict=True):
        exact = features.double().numpy()
        np.testing.assert_allclose(found.mean[tap.name], exact.mean(0), rtol=1e-5, atol=1e-6)
        close = {"rtol": 1e-4, "atol": 1e-8}
        np.testing.assert_allclose(found.variance[tap.name], exact.var(0, ddof=1), **close)


def test_verify_refuses_another_network_or_data_set(tmp_path: Path) -> None:
    network, path = Taps32(), tmp_path / "s.safetensors"
    statistics.save(real(network, orange_discs()), path)
    again = statistics.load(path)
    statistics.verify(again, path, network, "d")
    with pytest.raises(InputError, match=r"s\.safetensors: expected dataset 'other', found 'd'"):
        statistics.verify(again, path, network, "other")
    network.digest = "1" * 64
    with pytest.raises(InputError, match="expected extractor_digest '111"):
        statistics.verify(again, path, network, "d")


def test_load_refuses_a_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "s.safetensors"
    statistics.save(real(Taps32(), orange_discs()), path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"s\.safetensors: expected a whole safetensors file"):
        statistics.load(path)
