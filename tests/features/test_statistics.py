"""The statistics of real features: against numpy, and what their file is checked for."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.training import Taps32, orange_discs, real

from gfmn.common import tensorfile
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


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("mean/A", torch.nan, "'mean/A': expected finite numbers, found NaN or infinity"),
        ("variance/A", torch.inf, "'variance/A': expected finite numbers, found NaN or infinity"),
        ("variance/A", -1.0, "'variance/A': expected 0 or more, found -1"),
        ("mean/A", None, "'mean/A': expected floating-point numbers, found int64"),
    ],
)
def test_load_refuses_numbers_that_are_none_by_their_tensor(
    tmp_path: Path, name: str, value: float | None, line: str
) -> None:
    path, network = tmp_path / "s.safetensors", Taps32()
    statistics.save(real(network, orange_discs()), path)
    tensors, facts = tensorfile.read(path), tensorfile.read_metadata(path, statistics.FORMAT)
    key = name.replace("A", network.taps[0].name)
    if value is None:
        tensors[key] = tensors[key].long()
    else:
        tensors[key].view(-1)[3] = value
    tensorfile.write(path, tensors, facts)
    with pytest.raises(InputError, match=re.escape(line.replace("A", network.taps[0].name))):
        statistics.load(path)


def test_verify_refuses_other_facts_and_a_missing_variance(tmp_path: Path) -> None:
    network, path = Taps32(), tmp_path / "s.safetensors"
    found = real(network, orange_discs())
    digest = found.metadata["dataset_digest"] = "0" * 64
    statistics.verify(found, path, network, "d", digest)
    with pytest.raises(InputError, match=r"s\.safetensors: expected dataset_digest 'other', found"):
        statistics.verify(found, path, network, "d", "other")
    bytes_range = replace(found, metadata={**found.metadata, "value_range": [0, 255]})
    with pytest.raises(InputError, match=r"expected value_range \[0, 1\], found \[0, 255\]"):
        statistics.verify(bytes_range, path, network, "d")
    del found.variance[network.taps[1].name]
    with pytest.raises(InputError, match=f"expected variance/{network.taps[1].name} of the shape"):
        statistics.verify(found, path, network, "d")
