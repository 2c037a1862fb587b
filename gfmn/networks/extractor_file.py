"""The extractor file: weights of frozen networks and all that is needed to use them as trained.

A tensor file (`gfmn.common.tensorfile`) whose tensors are named `<network>/<state key>`.
Evaluators are files of the same format.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pydantic
import torch
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.bounds import SIDE
from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.networks import BatchNormMode, TappedNetwork, build, describe

FORMAT: Literal["extractor-2"] = "extractor-2"
COUNTER = "num_batches_tracked"  # of a batch norm, not needed by a frozen network
VARIANCE = "running_var"  # of a batch norm


@dataclass(frozen=True)
class NetworkRecord:
    """A network to be saved: its weights, and where they are from."""

    name: str  # begins its taps' names and its tensors' names
    architecture: str
    state: Mapping[str, Tensor]
    provenance: Mapping[str, Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)  # the constructor's, JSON
    image_size: int | None = None  # the only size that it takes; None: any


class NetworkHeader(Config):
    """One network's entry in an extractor file's metadata."""

    name: str = pydantic.Field(pattern=r"^[a-z0-9_-]+$")
    architecture: str
    arguments: dict[str, Any]  # the constructor's
    image_size: int | None  # the only size that it takes
    taps: tuple[str, ...]
    mean: tuple[float, float, float]  # of the unit range
    std: tuple[float, float, float]
    provenance: dict[str, Any]

    def describe(self) -> TappedNetwork:
        """The network without storage for its weights."""
        return describe(self.architecture, **self.arguments)

    def build(self) -> TappedNetwork:
        """The network with random weights."""
        return build(self.architecture, **self.arguments)


class Header(Config):
    """An extractor file's metadata."""

    format: Literal["extractor-2"]
    networks: tuple[NetworkHeader, ...]


class CombinedExtractor(Config):
    """The networks of two extractors of the study as one extractor."""

    networks: tuple[str, str]


class ExtractorEvaluator(Config):
    """An extractor of the study, one network, as the feature extractor used for evaluation."""

    extractor: str
    resize: int | None = pydantic.Field(None, ge=1, le=SIDE)  # pixels; None: as the extractor does


def save_extractor(path: str | Path, networks: Sequence[NetworkRecord]) -> None:
    """Write an extractor file, atomically.

    Raises `InputError` for networks of one name, and for a state that is not its architecture's.
    """
    headers, tensors = [], {}
    for record in networks:
        network = describe(record.architecture, **record.arguments)
        check_state(record.state, network, f"{path}: network {record.name!r}")
        fields = {
            "name": record.name,
            "architecture": record.architecture,
            "arguments": dict(record.arguments),
            "image_size": record.image_size,
            "taps": network.tap_names,
            "mean": network.mean,
            "std": network.std,
            "provenance": dict(record.provenance),
        }
        headers.append(NetworkHeader.parse(fields, f"{path}: network {record.name!r}"))
        for key in expected_state(network):
            tensor = _to_float32(record.state[key].detach().to("cpu"))
            tensors[f"{record.name}/{key}"] = tensor.contiguous()
    write(Path(path), headers, tensors)


def write(path: Path, headers: Sequence[NetworkHeader], tensors: Mapping[str, Tensor]) -> None:
    """Write headers and tensors; `InputError` where two networks have one name."""
    names = [header.name for header in headers]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: expected networks of different names, found two {name!r}")
    header = Header(format=FORMAT, networks=tuple(headers))
    tensorfile.write(path, tensors, header.model_dump(mode="json"))


def read_header(path: str | Path) -> Header:
    """What the file says of itself, checked; reads no weights.

    Raises `InputError` for a file that is missing, truncated, not safetensors, of another format,
    or whose networks are not those of this version of the package.
    """
    header = Header.parse(tensorfile.read_metadata(path, FORMAT), str(path))
    for entry in header.networks:
        where = f"{path}: network {entry.name!r} ({entry.architecture})"
        try:
            network = entry.describe()
        except (InputError, TypeError) as error:
            raise InputError(f"{where}: {error}") from None
        for key, found in (("tap_names", entry.taps), ("mean", entry.mean), ("std", entry.std)):
            if found != getattr(network, key):
                raise InputError(f"{where}: expected {key} {getattr(network, key)}, found {found}")
    return header


def read_state(path: str | Path, entry: NetworkHeader) -> dict[str, Tensor]:
    """One network's state dict, checked; `InputError` for missing, surplus or misshapen tensors."""
    tensors = tensorfile.part(tensorfile.read(path), f"{entry.name}/")
    state = {key: _to_float32(value) for key, value in tensors.items()}
    check_state(state, entry.describe(), f"{path}: network {entry.name!r}")
    return state


def _to_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def expected_state(network: TappedNetwork) -> dict[str, tuple[int, ...]]:
    """State keys and shapes, without the batch norms' counters, which eval mode never reads."""
    state = network.state_dict()
    return {k: tuple(v.shape) for k, v in state.items() if not k.endswith(COUNTER)}


def check_state(state: Mapping[str, Tensor], network: TappedNetwork, where: str) -> None:
    """Raise `InputError` unless the state has the network's tensors, their shapes and numbers."""
    expected = expected_state(network)
    for key, shape in expected.items():
        if key not in state:
            raise InputError(f"{where}: expected the tensor {key!r}, found none")
        if tuple(state[key].shape) != shape:
            found = tuple(state[key].shape)
            raise InputError(f"{where}: {key!r}: expected the shape {shape}, found {found}")
    surplus = [k for k in state if k not in expected and not k.endswith(COUNTER)]
    if surplus:
        raise InputError(f"{where}: expected {len(expected)} tensors, found also {surplus[0]!r}")
    floats = {key: state[key] for key in expected if state[key].is_floating_point()}
    if any(value.is_meta for value in floats.values()):  # shapes alone
        return
    tensorfile.check_numbers(floats, where)
    variances = {key: value for key, value in floats.items() if key.endswith(VARIANCE)}
    tensorfile.check_numbers(variances, where, least=0)


def combine(paths: Iterable[str | Path], out: str | Path) -> None:
    """Merge the networks of several extractor files into one, in order.

    Raises `InputError` for networks of one name, and for a file that is no extractor file.
    """
    headers: list[NetworkHeader] = []
    tensors: dict[str, Tensor] = {}
    for path in paths:
        for entry in read_header(path).networks:
            state = read_state(path, entry)
            headers.append(entry)
            tensors.update({f"{entry.name}/{key}": value for key, value in state.items()})
    write(Path(out), headers, tensors)


def file_digest(path: str | Path) -> str:
    """The file's sha256 in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def summary(path: str | Path) -> str:
    """One line on a written file: its networks, taps, size in MB and the sha256's beginning."""
    path = Path(path)
    networks = ", ".join(
        f"{entry.name} ({entry.architecture}, {len(entry.taps)} taps)"
        for entry in read_header(path).networks
    )
    megabytes = path.stat().st_size / 1e6
    return f"{path}: {networks}, {megabytes:.1f} MB, sha256 {file_digest(path)[:12]}"


def load_network(
    path: str | Path, header: NetworkHeader, batchnorm: BatchNormMode = "eval"
) -> TappedNetwork:
    """One network of a file, float32 on the CPU, frozen with its batch norms in one mode."""
    state = read_state(path, header)
    network = header.describe()
    # No file holds the counters and eval mode never reads them, but a strict load asks for them.
    state |= {k: torch.tensor(0) for k in network.state_dict() if k.endswith(COUNTER)}
    if any(buffer.is_meta for name, buffer in network.named_buffers() if name not in state):
        network = header.build()  # some values are in no file: the constructor computes them
    network.load_state_dict(state, assign=True)
    network.freeze(batchnorm)
    return network


def only_network(path: str | Path) -> NetworkHeader:
    """The header of a file of one network; `InputError` for a file of several."""
    headers = read_header(path).networks
    if len(headers) != 1:
        names = ", ".join(header.name for header in headers)
        raise InputError(f"{path}: expected one network, found {len(headers)} ({names})")
    return headers[0]


def save_as_evaluator(
    extractor: str | Path, name: str, resize: int | None, out: str | Path
) -> None:
    """Write an extractor's only network as the evaluator `name`, with images at `resize` px."""
    header = only_network(extractor)
    arguments = dict(header.arguments)
    if resize is not None:
        arguments["resize"] = resize
    state, size = read_state(extractor, header), header.image_size
    record = NetworkRecord(name, header.architecture, state, header.provenance, arguments, size)
    save_extractor(out, [record])
