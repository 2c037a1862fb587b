"""Parameters of published networks: the kinds of source and how they are told apart."""

import hashlib
from typing import Any

import pytest
from builders.input_errors import line

from gfmn.weights.config import FetchedEvaluator, FetchedNetwork, WebFile

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
    return {"kind": kind, "sha256": HASH, "license": "BSD", **SOURCES[kind], **changes}


def parse(source: Any, **others: Any) -> FetchedNetwork:
    return FetchedNetwork.parse({"architecture": "vgg16", "source": source, **others}, WHERE)


@pytest.mark.parametrize("kind", SOURCES)
def test_each_kind_states_all_but_the_local_path(kind: str) -> None:
    network = parse(facts(kind, path="elsewhere/w.pth"))
    assert network.source.kind == kind
    kept = network.source.provenance
    assert kept.pop("file", None) == ("w.pth" if kind == "file" else None)
    expected = facts(kind)
    expected.pop("path", None)
    assert kept == expected


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_must_be_pinned_and_licensed(kind: str) -> None:
    for key in ("sha256", "license"):
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
        ({"license": "BSD"}, ".source.kind: required, found nothing"),
        (
            facts("wheel", package_sha25="0"),
            ".source.package_sha25: unknown key; did you mean 'package_sha256'?",
        ),
        (facts("timm", revison="0"), ".source.revison: unknown key; did you mean 'revision'?"),
        (facts("file", url="x"), ".source.url: unknown key; known: kind, license, path, sha256"),
        (3, ".source: expected a mapping of parameters, found 3"),
    ],
)
def test_wrong_source_is_one_line_with_the_users_path(source: Any, message: str) -> None:
    assert line(parse, source) == WHERE + message


def test_only_library_models_take_taps() -> None:
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


def test_evaluators_have_no_taps_and_library_models_have_classes() -> None:
    data = {"architecture": "efficientnet_lite0", "source": facts("file"), "resize": 64}
    assert FetchedEvaluator.parse(data, WHERE).arguments == {"resize": 64}
    assert "taps: unknown key" in line(FetchedEvaluator.parse, {**data, "taps": "stages"}, WHERE)
    message = line(FetchedEvaluator.parse, {**data, "classes": 1000}, WHERE)
    assert message.startswith(f"{WHERE}.classes: expected none, since 'efficientnet_lite0' is not")
    data |= {"architecture": "timm:resnet18", "classes": 1000}
    arguments = FetchedEvaluator.parse(data, WHERE).arguments
    assert arguments == {"taps": [], "resize": 64, "classes": 1000}


@pytest.mark.parametrize(
    "url",
    ["ftp://a/b", "b.pth", "http://a/b c", "file://host/b", "http://", "http://[a", "http://a:x/"],
)
def test_only_urls_of_web_and_disk_are_sources(url: str) -> None:
    assert line(parse, facts("url", url=url)).startswith(f"{WHERE}.source.url: ")


def test_query_and_login_of_a_url_are_kept_apart() -> None:
    source = WebFile.parse(facts("url", url="https://a/w.pth?token=secret"), WHERE)
    assert source.label == source.provenance["url"] == "https://a/w.pth"
    assert not source.has_login
    assert WebFile.parse(facts("url", url="https://me@a/w.pth"), WHERE).has_login
    message = line(parse, facts("url", url="ftp://me:secret@a/w.pth?token=secret"))
    assert "secret" not in message and "found 'ftp://a/w.pth'" in message
