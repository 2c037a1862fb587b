"""Checkpoints: what is saved comes back bit for bit, the last few, of this run alone."""

import hashlib
import json
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from builders.checkpoint_store import PRINT, Store, is_of, save
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.runtime.checkpoints import fingerprint


def bits(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...], bytes]:
    """All that equal tensors share, with the bytes picked from memory one element at a time."""
    memory, size = bytes(tensor.detach().untyped_storage().tolist()), tensor.dtype.itemsize
    strides, first = tensor.stride(), tensor.storage_offset()
    places = (first + int(np.dot(index, strides)) for index in np.ndindex(*tensor.shape))
    elements = (memory[place * size : (place + 1) * size] for place in places)
    return tensor.dtype, tuple(tensor.shape), b"".join(elements)


DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32),
    *(torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64),
)
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda t: t,
    "reversed dimensions": lambda t: t.permute(tuple(range(t.ndim))[::-1]),
    "every second": lambda t: t[..., ::2] if t.ndim else t,
    "part": lambda t: t[1:] if t.ndim else t,
    "repeated": lambda t: t.expand(3, *t.shape),
    "parameter": lambda t: torch.nn.Parameter(t, t.is_floating_point()),
}


@st.composite
def any_tensor(draw: st.DrawFn) -> Tensor:
    """Random bytes of any dtype, so with NaN, infinity and denormals; of many strides."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    raw = rng.integers(0, 256, math.prod(shape) * dtype.itemsize, dtype=np.uint8)
    if dtype == torch.bool:
        raw %= 2
    tensor = torch.tensor(raw.tolist(), dtype=torch.uint8).view(dtype).reshape(shape)
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](tensor)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["__metadata__", "tensor/", "", "a/b"]) | st.text(max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    tensors=st.dictionaries(NAMES, any_tensor(), max_size=4),
    metadata=st.dictionaries(st.text(), VALUES, max_size=4),
    step=st.integers(0, 10**11),
)
def test_latest_gives_what_was_saved_bit_for_bit(
    tensors: dict[str, Tensor], metadata: dict[str, Any], step: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        store = Store(Path(root))
        assert store.save(step, tensors, metadata)
        found = Store(Path(root)).latest()
        assert found is not None and found.step == step and found.path.is_file()
        expected = {key: bits(value) for key, value in tensors.items()}
        assert {key: bits(value) for key, value in found.tensors.items()} == expected
        # The text tells 1 from 1.0 and 0.0 from -0.0.
        assert json.dumps(found.metadata, sort_keys=True) == json.dumps(metadata, sort_keys=True)
        assert store.lines == []


def test_floats_of_metadata_come_back_exactly(tmp_path) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**64, 2000, dtype=np.uint64).view(np.float64)
    values = values[np.isfinite(values)]
    store = Store(tmp_path)
    store.save(1, {}, {"values": values.tolist()})
    found = np.array(store.latest().metadata["values"])
    np.testing.assert_array_equal(found.view(np.uint64), values.view(np.uint64))


def test_tensors_that_share_memory_come_back_each_whole(tmp_path) -> None:
    base = torch.arange(10.0)
    store = Store(tmp_path)
    assert store.save(1, {"a": base, "b": base, "c": base[2:7], "d": base[5:]}, {})
    found = store.latest().tensors
    assert [found[key].tolist() for key in "abcd"] == [
        base.tolist(), base.tolist(), [2, 3, 4, 5, 6], [5, 6, 7, 8, 9]
    ]  # fmt: skip


def test_read_tensors_do_not_change_with_the_file(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    found = store.latest()
    with found.path.open("r+b") as file:
        file.write(bytes(found.path.stat().st_size))
    assert is_of(found, 1)


def test_metadata_keys_become_strings(tmp_path) -> None:
    store = Store(tmp_path)
    store.save(1, {}, {"sizes": {2: "b", 10: "a"}, "pair": (1, 2)})
    assert store.latest().metadata == {"sizes": {"2": "b", "10": "a"}, "pair": [1, 2]}


def test_save_raises_for_what_json_or_safetensors_cannot_hold(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    for tensors, metadata in (({}, {"a": object()}), ({"a": torch.ones(2).to_sparse()}, {})):
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            store.save(2, tensors, metadata)
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001.safetensors"]


def test_fingerprint_is_of_canonical_json() -> None:
    facts = {"b": [1, 2.5], "a": {"z": None, "y": "é"}}
    text = '{"a":{"y":"\\u00e9","z":null},"b":[1,2.5]}'
    assert fingerprint(facts) == hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint({"a": {"y": "é", "z": None}, "b": (1, 2.5)}) == fingerprint(facts)
    others = ({**facts, "b": [1, 2.6]}, {**facts, "b": [2.5, 1]}, {**facts, "c": None})
    assert len({fingerprint(facts), *map(fingerprint, others)}) == 4


def test_runs_of_different_fingerprints_do_not_see_each_other(tmp_path) -> None:
    one, two = Store(tmp_path), Store(tmp_path, fingerprint({"run": "b"}))
    save(one, 5)
    assert two.latest() is None
    save(two, 3)
    assert is_of(one.latest(), 5) and is_of(two.latest(), 3)
    assert one.folder == tmp_path / f"run-{PRINT[:16]}"
    two.remove()
    assert is_of(one.latest(), 5) and one.lines == two.lines == []


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_save_keeps_the_last_few(keep: int, tmp_path) -> None:
    store = Store(tmp_path, keep=keep)
    for step in range(8, 13):
        save(store, step, 5)
        assert store.steps() == list(range(8, 13))[: step - 7][-keep:]
    with pytest.raises(InputError, match="expected keep to be at least 1, found 0"):
        Store(tmp_path, keep=0)


def test_latest_at_most_a_step_and_later_ones_stay(tmp_path) -> None:
    store = Store(tmp_path)
    for step in (10, 900, 2_000_000_000):  # one more digit than names are padded to
        save(store, step, 5)
    assert store.latest().step == 2_000_000_000
    assert store.latest(1_999_999_999).step == store.latest(900).step == 900
    assert store.latest(899) is None
    for step in (100, 200, 300):  # a shorter run with the same facts
        assert save(store, step, 5) and is_of(store.latest(step), step, 5)
    assert store.steps() == [200, 300, 900, 2_000_000_000]
    save(store, 1000, 5)
    assert store.steps() == [900, 1000, 2_000_000_000]


def test_remove_takes_the_folder_and_may_be_called_twice(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    (store.folder / "step-000000007.safetensors.damaged").write_bytes(b"x")
    store.remove()
    store.remove()
    assert list(tmp_path.iterdir()) == [] and store.latest() is None and store.lines == []


def test_checkpoint_with_metadata_nested_deep_is_set_aside(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    deep = json.dumps({"format": "checkpoint-1"})[:-1] + ', "a": ' + "[" * 10**5 + "]" * 10**5 + "}"
    path = store.folder / "step-000000002.safetensors"
    safetensors.torch.save_file({"tensor/a": torch.zeros(1)}, path, {"gfmn": deep})
    assert is_of(store.latest(), 1)
    assert path.with_name(f"{path.name}.damaged").exists() and not path.exists()
