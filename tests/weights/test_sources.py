"""The kinds of source: how they are told apart, and what the libraries' lists say."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gfmn.common.errors import InputError
from gfmn.weights import LocalFile, TimmWeights, TorchvisionWeights, fetch
from gfmn.weights.converters import FetchedEvaluator, FetchedNetwork, fetch_network
from gfmn.weights.hubs import model_name, timm_config, torchvision_url

WHERE = "params.yaml: extractors.fetched.tiny"
DATA = b"the weights" * 100
HASH = hashlib.sha256(DATA).hexdigest()
SOURCES: dict[str, dict[str, Any]] = {
    "wheel": {"package": "tiny", "version": "1", "package_sha256": HASH, "member": "w.pth"},
    "sdist": {"package": "tiny", "version": "1", "package_sha256": HASH, "member": "w.pth"},
    "file": {"path": "w.pth"},
    "url": {"url": "https://example.invalid/w.pth"},
    "torchvision": {"weights": "IMAGENET1K_V1"},
    "timm": {},
}


def facts(kind: str, /, **changes: Any) -> dict[str, Any]:
    return {"kind": kind, "sha256": HASH, "licence": "BSD", **SOURCES[kind], **changes}


def parse(source: Any, **others: Any) -> FetchedNetwork:
    return FetchedNetwork.parse({"architecture": "vgg16", "source": source, **others}, WHERE)


def line(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", SOURCES)
def test_each_kind_is_told_by_its_name_and_states_all_but_the_local_path(kind: str) -> None:
    network = parse(facts(kind, path="elsewhere/w.pth"))
    assert network.source.kind == kind
    kept = network.source.provenance
    assert kept.pop("file", None) == ("w.pth" if kind == "file" else None)
    expected = facts(kind)
    expected.pop("path", None)
    assert kept == expected


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_must_be_pinned_and_licensed(kind: str) -> None:
    for key in ("sha256", "licence"):
        source = facts(kind)
        del source[key]
        assert line(parse, source) == f"{WHERE}.source.{key}: required, found nothing"
    for wrong in ("abc", HASH.upper(), HASH + "0", "g" * 64):
        assert line(parse, facts(kind, sha256=wrong)).startswith(f"{WHERE}.source.sha256: ")
    if kind != "torchvision":
        assert line(parse, facts(kind, sha256=HASH[:8])).startswith(f"{WHERE}.source.sha256: ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (facts("wheel", kind="whel"), ".source.kind: no 'whel'; did you mean 'wheel'?"),
        (
            facts("wheel", kind="zip"),
            ".source.kind: no 'zip'; known: file, sdist, timm, torchvision, url, wheel",
        ),
        ({"licence": "BSD"}, ".source.kind: required, found nothing"),
        (
            facts("wheel", package_sha25="0"),
            ".source.package_sha25: unknown key; did you mean 'package_sha256'?",
        ),
        (facts("timm", revison="0"), ".source.revison: unknown key; did you mean 'revision'?"),
        (facts("file", url="x"), ".source.url: unknown key; known: kind, licence, path, sha256"),
        (3, ".source: expected a mapping of parameters, found 3"),
    ],
)
def test_a_wrong_source_is_one_line_with_the_path_that_the_user_wrote(
    source: Any, message: str
) -> None:
    assert line(parse, source) == WHERE + message


def test_only_a_librarys_model_takes_taps() -> None:
    adapter = {"architecture": "timm:vgg16", "source": facts("timm")}
    for taps in ("stages", "activations", ["features.0", "features.2"]):
        network = FetchedNetwork.parse({**adapter, "taps": taps, "resize": 64}, WHERE)
        assert network.arguments == {"taps": taps, "resize": 64}
        assert line(parse, facts("file"), taps=taps).startswith(f"{WHERE}.taps: expected none, ")
    assert FetchedNetwork.parse(adapter, WHERE).arguments == {}
    for wrong in ("stage", [1], 3):
        message = line(FetchedNetwork.parse, {**adapter, "taps": wrong}, WHERE)
        assert message.startswith(f"{WHERE}.taps: expected")
    assert line(parse, facts("file"), resize=0).startswith(f"{WHERE}.resize: ")


def test_an_evaluator_has_no_taps_and_only_a_librarys_model_says_its_classes() -> None:
    data = {"architecture": "efficientnet_lite0", "source": facts("file"), "resize": 64}
    assert FetchedEvaluator.parse(data, WHERE).arguments == {"resize": 64}
    assert "taps: unknown key" in line(FetchedEvaluator.parse, {**data, "taps": "stages"}, WHERE)
    message = line(FetchedEvaluator.parse, {**data, "classes": 1000}, WHERE)
    assert message.startswith(f"{WHERE}.classes: expected none, since 'efficientnet_lite0' is not")
    data |= {"architecture": "timm:resnet18", "classes": 1000}
    arguments = FetchedEvaluator.parse(data, WHERE).arguments
    assert arguments == {"taps": [], "resize": 64, "classes": 1000}


def test_a_file_of_this_machine_is_verified(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    source = LocalFile.parse(facts("file", path=str(path)), WHERE)
    assert line(fetch, source, WHERE).startswith(f"{WHERE}.path: {path}: expected a file, found: ")
    path.write_bytes(b"others")
    message = line(fetch, source, WHERE)
    assert HASH in message and hashlib.sha256(b"others").hexdigest() in message
    path.write_bytes(DATA)
    assert fetch(source, WHERE) == (DATA, source.provenance)


def torchvision(**changes: Any) -> TorchvisionWeights:
    return TorchvisionWeights.parse(facts("torchvision", **changes), WHERE)


def test_torchvisions_list_gives_the_url_and_the_hashs_beginning() -> None:
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


def test_a_prefix_pins_as_much_as_it_has(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(DATA)
    local = torchvision(sha256=HASH[:8], path=str(path))
    data, provenance = fetch(local, WHERE, "torchvision:resnet18")
    assert data == DATA and provenance["sha256"] == HASH and provenance["model"] == "resnet18"
    other = torchvision(sha256="0" + HASH[1:8], path=str(path))
    message = line(fetch, other, WHERE, "resnet18")
    assert f"expected sha256 that begins with {other.sha256}, found {HASH}" in message


def test_a_model_is_looked_for_in_its_own_library() -> None:
    assert model_name("timm", "timm:resnet18.a1_in1k", WHERE) == "resnet18.a1_in1k"
    assert model_name("torchvision", "vgg16", WHERE) == "vgg16"
    message = line(model_name, "torchvision", "timm:resnet18", WHERE)
    assert message.startswith(f"{WHERE}.kind: expected 'timm'")


def timm(**changes: Any) -> TimmWeights:
    return TimmWeights.parse(facts("timm", **changes), WHERE)


def test_timm_names_the_nearest_model() -> None:
    pytest.importorskip("timm")
    assert timm_config("resnet18.a1_in1k", WHERE).hf_hub_id == "timm/resnet18.a1_in1k"
    message = line(timm_config, "resnet18.a1_in1", WHERE)
    assert message.startswith(f"{WHERE}: timm has no pretrained model 'resnet18.a1_in1'; did you")
    assert "timm.list_pretrained()" in line(timm_config, "????", WHERE)


def test_the_hub_delivers_a_pinned_revision_that_is_then_verified(
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
    source, folder = timm(revision="0123abc"), tmp_path / "d"
    data, provenance = fetch(source, WHERE, "timm:resnet18.a1_in1k", folder)
    assert data == DATA and not folder.exists()
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
def test_a_library_that_is_not_there_is_named(
    kind: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(library)
    pytest.importorskip(kind)
    monkeypatch.setitem(sys.modules, library, None)
    source = torchvision() if kind == "torchvision" else timm()
    message = line(fetch, source, WHERE, f"{kind}:resnet18", tmp_path)
    assert message.startswith(f"{WHERE}: expected the package {library}, found none")


def test_nothing_is_downloaded_for_an_architecture_that_nobody_knows() -> None:
    for architecture, kind in (("vgg61", "file"), ("timm:x", "timm"), ("dcgan_encoder", "timm")):
        data = {"architecture": architecture, "source": facts(kind)}
        network = FetchedNetwork.parse(data, WHERE)
        message = line(fetch_network, "tiny", network, WHERE)
        assert message.startswith(WHERE) and architecture.partition(":")[2] in message
        assert ".source" not in message
