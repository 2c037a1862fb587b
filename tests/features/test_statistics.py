"""The statistics of real features: against numpy, and what their file is checked for."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.training import Taps32, orange_discs, real

from gfmn.common import tensorfile
from gfmn.common.errors import InputError
from gfmn.features import statistics
from gfmn.features.pooled import stage_ends


@pytest.fixture(scope="module")
def groups() -> statistics.Statistics:
    """Statistics with every group."""
    return real(Taps32(), orange_discs())


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


@pytest.mark.parametrize(
    ("name", "change", "line"),
    [
        ("bank/T/scale", lambda v: -v, "expected 1e-20 or more, found -"),
        ("bank/T/vectors", lambda v: v[:, 1:].clone(), "expected the length 12 of axis D in ND"),
        ("bank/T/vectors", lambda v: v.int(), "expected floating-point numbers, found int32"),
        ("landmarks/T/bandwidths", torch.zeros_like, "expected 1e-20 or more, found 0"),
        ("landmarks/T/weights", lambda v: v[:-1].clone(), "expected the length"),
        ("quantiles/T/values", lambda v: v[0].clone(), "expected a tensor of 2 axes, found (256,)"),
        ("quantiles/T/directions", None, "expected a tensor of 2 axes, found None"),
        ("mixture/T/weights", torch.zeros_like, "expected 1e-20 or more, found 0"),
        ("mixture/T/deviations", lambda v: v - 9, "expected 0 or more, found -"),
        ("covariance/T/variances", lambda v: v - 1e9, "expected 0 or more, found -"),
        ("covariance/T/mean", lambda v: v * torch.nan, "expected finite numbers, found NaN"),
    ],
)
def test_load_refuses_a_group_that_does_not_fit_by_its_tensor(
    tmp_path: Path, groups: statistics.Statistics, name: str, change: Any, line: str
) -> None:
    path = tmp_path / "s.safetensors"
    statistics.save(groups, path)
    tensors, facts = tensorfile.read(path), tensorfile.read_metadata(path, statistics.FORMAT)
    key = name.replace("T", next(iter(stage_ends(Taps32().taps))))
    tensors[key] = torch.empty(0) if change is None else change(tensors[key])
    if change is None:
        del tensors[key]
    tensorfile.write(path, tensors, facts)
    with pytest.raises(InputError) as error:
        statistics.load(path)
    assert key in str(error.value) and line in str(error.value) and "\n" not in str(error.value)


def test_verify_refuses_groups_of_other_classes_and_missing_units(
    tmp_path: Path, groups: statistics.Statistics
) -> None:
    path, network = tmp_path / "s.safetensors", Taps32()
    statistics.verify(groups, path, network, "d")
    classes = {"names": None, "frequencies": [0.5, 0.5], "weight": 1.0}
    other = replace(groups, metadata={**groups.metadata, "classes": classes})
    with pytest.raises(InputError, match=r"covariance/.*/mean: expected 14 values, found 12"):
        statistics.verify(other, path, network, "d")
    without = {k: v for k, v in groups.metadata.items() if k != "variance"}
    with pytest.raises(InputError, match="expected variance 'unbiased', found None"):
        statistics.verify(replace(groups, metadata=without), path, network, "d")
