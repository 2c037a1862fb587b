"""The weights that torchvision and timm list, and what the hub's client delivers."""

import hashlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.file_server import FileServer, file_server
from builders.input_errors import line

from gfmn.networks import describe
from gfmn.weights.config import TimmWeights, TorchvisionWeights
from gfmn.weights.fetching import fetch
from gfmn.weights.hubs import model_name, timm_config, torchvision_normalization, torchvision_url

WHERE = "params.yaml: extractors.fetched.tiny"
DATA = b"the weights" * 100
HASH = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with file_server(DATA, monkeypatch) as server:
        yield server


def torchvision(**changes: Any) -> TorchvisionWeights:
    facts = {"kind": "torchvision", "weights": "IMAGENET1K_V1", "sha256": HASH, "license": "BSD"}
    return TorchvisionWeights.parse({**facts, **changes}, WHERE)


def timm(**changes: Any) -> TimmWeights:
    facts = {"kind": "timm", "sha256": HASH, "license": "BSD"}
    return TimmWeights.parse({**facts, **changes}, WHERE)


def test_torchvisions_list_gives_url_and_beginning_of_hash() -> None:
    models = pytest.importorskip("torchvision.models")
    url = models.ResNet18_Weights.IMAGENET1K_V1.url
    for digits in ("f37072fd", "f37072fd00", "f37072fd" + "0" * 56):
        assert torchvision_url(torchvision(sha256=digits), "resnet18", WHERE) == url
    message = line(torchvision_url, torchvision(sha256="f37072fe"), "resnet18", WHERE)
    assert message.startswith(f"{WHERE}.sha256: expected f37072fd..., as {url} says, found ")
    message = line(torchvision_url, torchvision(weights="IMAGENET1K_V2"), "resnet18", WHERE)
    assert message == (
        f"{WHERE}.weights: torchvision has no 'IMAGENET1K_V2' for 'resnet18'; "
        "did you mean 'IMAGENET1K_V1'?"
    )
    message = line(torchvision_url, torchvision(), "resnet81", WHERE)
    assert message == f"{WHERE}: torchvision has no model 'resnet81'; did you mean 'resnet18'?"


def test_model_is_looked_for_in_its_own_library() -> None:
    assert model_name("timm", "timm:resnet18.a1_in1k", WHERE) == "resnet18.a1_in1k"
    assert model_name("torchvision", "vgg16", WHERE) == "vgg16"
    message = line(model_name, "torchvision", "timm:resnet18", WHERE)
    assert message.startswith(f"{WHERE}.kind: expected 'timm'")


def test_timm_suggests_a_model() -> None:
    pytest.importorskip("timm")
    assert timm_config("resnet18.a1_in1k", WHERE).hf_hub_id == "timm/resnet18.a1_in1k"
    message = line(timm_config, "resnet18.a1_in1", WHERE)
    assert message.startswith(f"{WHERE}: timm has no pretrained model 'resnet18.a1_in1'; did you")
    assert "timm.list_pretrained()" in line(timm_config, "????", WHERE)


def test_hubs_own_client_delivers_what_is_pinned(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "hf_hub_download", partial(hub.hf_hub_download, endpoint=server.root))
    pinned, model = timm(revision="0" * 40), "timm:resnet18.a1_in1k"
    assert fetch(pinned, WHERE, model, tmp_path)[0] == DATA
    file = f"/timm/resnet18.a1_in1k/resolve/{'0' * 40}/model.safetensors"
    assert set(server.heads) == {file} and not list(tmp_path.iterdir())
    server.data = DATA + b"!"
    found = hashlib.sha256(server.data).hexdigest()
    message = line(fetch, pinned, WHERE, model, tmp_path)
    assert HASH in message and found in message
    server.status = 404
    message = line(fetch, pinned, WHERE, model, tmp_path)
    for part in (WHERE, "timm/resnet18.a1_in1k/model.safetensors", HASH, "404", "tiny.path"):
        assert part in message
    assert not list(tmp_path.iterdir())


def test_hub_delivers_a_pinned_revision_that_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("timm")
    hub = pytest.importorskip("huggingface_hub")
    calls: list[tuple[Any, ...]] = []
    delivered = [DATA]

    def deliver(repository: str, name: str, revision: str | None, local_dir: Path) -> str:
        calls.append((repository, name, revision))
        local_dir.mkdir(parents=True)
        (local_dir / name).write_bytes(delivered[0])
        return str(local_dir / name)

    monkeypatch.setattr(hub, "hf_hub_download", deliver)
    source, folder = timm(revision="0123abc"), tmp_path
    data, provenance = fetch(source, WHERE, "timm:resnet18.a1_in1k", folder)
    assert data == DATA and not list(folder.iterdir())
    assert calls == [("timm/resnet18.a1_in1k", "model.safetensors", "0123abc")]
    assert provenance["model"] == "resnet18.a1_in1k" and provenance["revision"] == "0123abc"
    delivered[0] = b"others"
    message = line(fetch, source, WHERE, "timm:resnet18.a1_in1k", folder)
    for part in ("timm's resnet18.a1_in1k", HASH, hashlib.sha256(b"others").hexdigest(), "path"):
        assert part in message

    def fail(*_: Any, **__: Any) -> str:
        raise ConnectionError("no\nroute")

    monkeypatch.setattr(hub, "hf_hub_download", fail)
    message = line(fetch, source, WHERE, "timm:resnet18.a1_in1k", folder)
    for part in (WHERE, "timm/resnet18.a1_in1k/model.safetensors at 0123abc", HASH, "no route"):
        assert part in message
    assert "tiny.path takes a local copy of model.safetensors" in message


@pytest.mark.parametrize(
    ("kind", "library"),
    [("torchvision", "torchvision"), ("timm", "timm"), ("timm", "huggingface_hub")],
)
def test_missing_library_is_named(
    kind: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(library)
    pytest.importorskip(kind)
    monkeypatch.setitem(sys.modules, library, None)
    source = torchvision() if kind == "torchvision" else timm()
    message = line(fetch, source, WHERE, f"{kind}:resnet18", tmp_path)
    assert message.startswith(f"{WHERE}: expected the package {library}, found none")


def test_torchvisions_weights_are_normalized_by_their_own_transform() -> None:
    own = torchvision_normalization(torchvision(weights="IMAGENET1K_FEATURES"), "vgg16")
    white = describe("vgg16", **own).normalize(torch.ones(1, 3, 2, 2))
    expected = [132.0, 138.0, 151.0]  # the mean color of the original's images, which ends at 255
    assert white[0, :, 1, 1].tolist() == pytest.approx(expected, abs=0.01)
    assert torchvision_normalization(torchvision(), "vgg16") == {}
