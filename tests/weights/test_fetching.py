"""A source's bytes: local copies, hashes, what is checked before anything is downloaded."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from builders.input_errors import line

from gfmn.weights.config import FetchedNetwork, LocalFile, TorchvisionWeights
from gfmn.weights.convert import fetch_network
from gfmn.weights.fetching import fetch

WHERE = "params.yaml: extractors.fetched.tiny"
DATA = b"the weights" * 100
HASH = hashlib.sha256(DATA).hexdigest()


def torchvision(**changes: Any) -> TorchvisionWeights:
    facts = {"kind": "torchvision", "weights": "IMAGENET1K_V1", "sha256": HASH, "license": "BSD"}
    return TorchvisionWeights.parse({**facts, **changes}, WHERE)


def test_local_file_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    facts = {"kind": "file", "path": str(path), "sha256": HASH, "license": "BSD"}
    source = LocalFile.parse(facts, WHERE)
    assert line(fetch, source, WHERE).startswith(f"{WHERE}.path: {path}: expected a file, found: ")
    path.write_bytes(b"others")
    message = line(fetch, source, WHERE)
    assert HASH in message and hashlib.sha256(b"others").hexdigest() in message
    path.write_bytes(DATA)
    assert fetch(source, WHERE) == (DATA, source.provenance)


def test_prefix_pins_as_much_as_it_has(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(DATA)
    local = torchvision(sha256=HASH[:8], path=str(path))
    data, provenance = fetch(local, WHERE, "torchvision:resnet18")
    assert data == DATA and provenance["sha256"] == HASH and provenance["model"] == "resnet18"
    other = torchvision(sha256="0" + HASH[1:8], path=str(path))
    message = line(fetch, other, WHERE, "resnet18")
    assert f"expected sha256 that begins with {other.sha256}, found {HASH}" in message


@pytest.mark.parametrize(
    ("architecture", "source"),
    [
        ("vgg61", {"kind": "file", "path": "w.pth"}),
        ("timm:x", {"kind": "timm"}),
        ("dcgan_encoder", {"kind": "timm"}),
    ],
)
def test_nothing_is_downloaded_for_an_unknown_architecture(
    architecture: str, source: dict[str, str]
) -> None:
    facts = {**source, "sha256": HASH, "license": "BSD"}
    network = FetchedNetwork.parse({"architecture": architecture, "source": facts}, WHERE)
    message = line(fetch_network, "tiny", network, WHERE)
    assert message.startswith(WHERE) and architecture.partition(":")[2] in message
    assert ".source" not in message
