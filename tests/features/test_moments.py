"""Moments, their merge and their running averages against independent computations."""

import numpy as np
import pytest
import torch
from builders.compilation import eager_and_compiled
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.features.moments import Layout, MergedMoments, Moments, RunningMoments, batch_moments
from gfmn.networks.rows import from_rows, rows


def test_rows_is_a_view_and_from_rows_is_its_inverse() -> None:
    tap = torch.randn(4, 6, 3, 5).to(memory_format=torch.channels_last)
    matrix = rows(tap)
    assert matrix.data_ptr() == tap.data_ptr()
    assert torch.equal(from_rows(matrix, tap.shape[1:]), tap)


def test_batch_moments_equal_numpys_in_float64() -> None:
    taps = [torch.randn(16, *shape) * 3 + 5 for shape in ((6, 3, 5), (2, 1, 1), (7, 2, 2))]
    layout = Layout(tuple(tuple(tap.shape[1:]) for tap in taps))
    shift = torch.full((layout.features,), 4.5)
    moments = batch_moments(taps, shift, layout)
    flat = np.concatenate([rows(tap).numpy().astype(np.float64) for tap in taps], 1)
    np.testing.assert_allclose(moments.first + shift, flat.mean(0), rtol=1e-6)
    np.testing.assert_allclose(moments.variance(), flat.var(0), rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    offset=st.floats(-1e3, 1e3),
    seed=st.integers(0, 2**31),
)
def test_update_of_any_split_gives_the_moments_of_the_whole(
    counts: list[int], offset: float, seed: int
) -> None:
    counts = [*counts, 2]
    values = np.random.default_rng(seed).normal(offset, 1, (sum(counts), 5)).astype(np.float32)
    merged, layout = MergedMoments(5), Layout(((5, 1, 1),))
    shift = torch.from_numpy(values[0])
    for part in np.split(values, np.cumsum(counts)[:-1]):
        tap = torch.from_numpy(part)[:, :, None, None]
        merged.update(batch_moments([tap], shift, layout), shift, len(part))
    exact = values.astype(np.float64)
    np.testing.assert_allclose(merged.mean, exact.mean(0), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(merged.variance(), exact.var(0, ddof=1), rtol=1e-4, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    offset=st.floats(-1e3, 1e3),
    seed=st.integers(0, 2**31),
)
def test_merge_of_shards_gives_numpys_float64_moments(
    counts: list[int], offset: float, seed: int
) -> None:
    counts = [*counts, 2]
    values = np.random.default_rng(seed).normal(offset, 1, (sum(counts), 5))
    whole = MergedMoments(5)
    for rows_of_shard in np.split(values, np.cumsum(counts)[:-1]):
        shard = MergedMoments(5)
        for row in torch.from_numpy(rows_of_shard):
            shard.merge(1, row, torch.zeros(5, dtype=torch.float64))
        before = whole.mean.clone()
        whole.merge(shard.count, shard.mean, shard.squares)
        assert len(rows_of_shard) or torch.equal(whole.mean, before)
    assert whole.count == len(values)
    np.testing.assert_allclose(whole.mean, values.mean(0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(whole.variance(), values.var(0, ddof=1), rtol=1e-8)


def test_mean_a_thousand_times_the_deviation_keeps_the_variance() -> None:
    generator = torch.Generator().manual_seed(0)  # some draws are kind to the naive way
    values = torch.randn(512, 1, 1, 1, dtype=torch.float64, generator=generator) + 1000
    tap, layout = values.float(), Layout(((1, 1, 1),))
    naive = tap.square().mean() - tap.mean().square()
    merged, shift = MergedMoments(1), tap[:64].mean().reshape(1)
    for part in tap.split(64):
        merged.update(batch_moments([part], shift, layout), shift, 64)
    truth = values.var()
    assert abs(merged.variance() / truth - 1) < 1e-4
    assert abs(naive / truth - 1) > 1e-2  # what sums of squares in float32 make of it


def test_running_moments_are_unbiased_at_the_start_and_converge() -> None:
    running = RunningMoments(1, decay=0.9)
    running.update(Moments(torch.tensor([2.0]), torch.tensor([5.0])))
    first = running.current()
    assert first.first.item() == pytest.approx(2.0) and first.second.item() == pytest.approx(5.0)
    for _ in range(200):
        running.update(Moments(torch.tensor([3.0]), torch.tensor([10.0])))
    assert running.current().variance().item() == pytest.approx(1.0, abs=1e-4)
    assert float(running.newest_weight) == pytest.approx(0.1, rel=1e-6)


PROBE = """
import torch
from gfmn.features.moments import Layout, batch_moments
torch.manual_seed(0)
taps = [torch.randn(8, c, s, s).to(dtype) for dtype in (torch.float32, torch.bfloat16)
        for c, s in ((3, 9), (5, 4), (8, 3), (7, 2), (64, 1), (2, 8), (6, 6), (1, 5), (9, 7))]
layout = Layout(tuple(tuple(t.shape[1:]) for t in taps))
found = batch_moments(taps, torch.linspace(-1, 1, layout.features), layout)
"""


def test_compiled_moments_equal_eager_ones_and_no_width_falls_back(tmp_path) -> None:
    # The probe and one kernel for each of two precisions, whatever the nine widths.
    for eager, compiled in eager_and_compiled(PROBE, tmp_path, graphs=4):
        torch.testing.assert_close(compiled, eager, rtol=1e-5, atol=1e-6)
