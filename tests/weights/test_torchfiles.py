"""Files of `torch.save` of every age: their tensors are those of their storages."""

from typing import Any

import pytest
import torch
from builders.input_errors import line
from builders.torch_files import OldPickler, StorageOf, legacy, saved
from torch import Tensor, nn

from gfmn.weights.checkpoints import read_checkpoint


def test_tensors_are_what_their_storages_hold() -> None:
    base = torch.arange(24.0).reshape(4, 6)
    state = {
        "whole": base,
        "part": base[1:3, ::2],
        "turned": base.T,
        "in64": torch.rand(3, dtype=torch.float64),
        "in16": torch.rand(3).half(),
        "whole_numbers": torch.tensor([1, -(1 << 40)]),
        "scalar": torch.tensor(2.5),
        "empty": torch.empty(0, 3),
    }
    expected = {key: value.clone() for key, value in state.items()}
    module = nn.Module()
    for key, value in state.items():
        module.register_buffer(key, value)
    files = [legacy(state), legacy({"net": module, "epoch": 1})]
    files += [saved(state), saved(state, _use_new_zipfile_serialization=False)]
    for data in files:
        found = read_checkpoint(data, "file").state
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert found[key].dtype == value.dtype and found[key].is_contiguous()
            assert torch.equal(found[key], value), key


class ViewPickler(OldPickler):
    """A storage that is a part of another: the last four of its numbers."""

    def persistent_id(self, obj: Any) -> Any:
        identity = super().persistent_id(obj)
        if isinstance(obj, StorageOf):
            count = identity[4]
            return (*identity[:5], ("view", count - 4, 4))
        return identity


class ClassPickler(OldPickler):
    """Before `_rebuild_tensor`: a tensor's class, and a tuple as its state."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is Tensor:
            state = (StorageOf(obj), obj.storage_offset(), tuple(obj.shape), obj.stride())
            return FloatTensor, (), state
        return super().reducer_override(obj)


def FloatTensor() -> None:  # noqa: N802 - stands for torch.cuda.FloatTensor
    raise AssertionError("nothing of a checkpoint is called")


def test_views_of_storages_and_old_tensor_classes_are_read() -> None:
    class ViewOf(ViewPickler):
        def reducer_override(self, obj: Any) -> Any:
            if type(obj) is Tensor:
                return torch._utils._rebuild_tensor, (StorageOf(obj), 1, (3,), (1,))
            return super().reducer_override(obj)

    data = legacy({"a": torch.arange(9.0)}, ViewOf)
    assert read_checkpoint(data, "file").state["a"].tolist() == [6, 7, 8]
    data = legacy({"a": nn.Parameter(torch.arange(6.0).reshape(2, 3))}, ClassPickler)
    data = data.replace(f"c{__name__}\nFloatTensor".encode(), b"ctorch.cuda\nFloatTensor")
    assert read_checkpoint(data, "file").state["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    data = data.replace(b"ctorch\nFloatStorage", b"ctorch.cuda\nFloatStorage")
    assert read_checkpoint(data, "file").state["a"].shape == (2, 3)


@pytest.mark.parametrize(
    ("storage", "message"),
    [
        ((0, (3, 3), (3, 1)), "outside its 8 numbers"),
        ((6, (3,), (1,)), "outside its 8 numbers"),
        ((0, (1 << 40,), (0,)), "outside its 8 numbers"),
        ((-1, (2,), (1,)), "a tensor of size (2,)"),
        ((0, (2,), (-1,)), "no row of counts"),
        ((0, (2, 2), (1,)), "a tensor of size (2, 2)"),
        ((0, (1,) * 9, (1,) * 9), "a tensor of size"),
        ((0, ("2",), (1,)), "no row of counts"),
    ],
)
def test_tensor_outside_its_storage_is_refused(storage: Any, message: str) -> None:
    class Outside(OldPickler):
        def reducer_override(self, obj: Any) -> Any:
            if type(obj) is Tensor:
                return torch._utils._rebuild_tensor, (StorageOf(obj), *storage)
            return super().reducer_override(obj)

    found = line(read_checkpoint, legacy({"a": torch.zeros(8)}, Outside), "file.t7")
    assert found.startswith("file.t7: expected a whole file of torch.save") and message in found
