"""A team: what one clone computed and pushed, another trains on; a folder and S3 as the remote."""

import os
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.project import commit, done, git, parameters, project, ran, write_parameters
from ruamel.yaml import YAML
from sklearn.datasets import load_digits

STATISTICS = "data/stats/digits-encoder-eval.safetensors"
EXTRACT = "extract-stats@digits-encoder-eval"
RAW = "digits.npy"  # only in Alice's folder: git ignores it, and no stage puts it out
KEY, SECRET = "key-of-the-team", "c2VjcmV0IG9mIHRoZSB0ZWFt"


def cached(clone: Path, digest: str) -> Path:
    return clone / ".dvc/cache/files/md5" / digest[:2] / digest[2:]


def md5s(clone: Path, stage: str) -> dict[str, str]:
    """The md5 of each of a stage's outputs, as the clone's lock file has it."""
    lock = YAML(typ="safe").load((clone / "dvc.lock").read_text())
    return {out["path"]: out["md5"] for out in lock["stages"][stage]["outs"]}


def flip(path: Path) -> None:
    """Another byte near the end, of a tensor; the file keeps its size and its permissions."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[-1000] ^= 255
    path.write_bytes(data)
    path.chmod(mode)


def study() -> dict[str, Any]:
    """One run on an encoder that is trained here, on a data set that is a file."""
    short = {"dataset": "digits", "steps": 2, "batch": 8}
    encoder = {**parameters()["extractors"]["trained"]["encoder"], **short, "latent": 8}
    run = {**parameters()["runs"]["encoder"], **short, "batchnorm": "eval"}
    source = {"source": "npy", "path": RAW, "image_size": 32, "workers": 0}
    return {
        "root": ".",
        "datasets": {"digits": source},
        "extractors": {"trained": {"encoder": encoder}},
        "statistics": {"digits-encoder-eval": {"dataset": "digits", "extractor": "encoder"}},
        "runs": {"a": run},
        "sampling": {"count": 16},
    }


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No request can leave the loopback address."""
    nothing = tmp_path_factory.mktemp("aws") / "nothing"
    nothing.touch()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(nothing))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with statistics computed, pushed to a folder and committed; nothing is trained."""
    clone = project(tmp_path_factory.mktemp("team") / "alice", study(), ignored=RAW)
    np.save(clone / RAW, (load_digits().images[:64] * 15).astype(np.uint8))
    done(clone, "remote", "add", "-d", "team", "../remote")
    done(clone, "repro", EXTRACT)
    done(clone, "push")
    commit(clone, "Statistics of the digits")
    return clone


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An S3 server with an empty bucket `team`, on the loopback address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    assert host == "127.0.0.1"
    address = f"http://{host}:{port}"
    urllib.request.urlopen(urllib.request.Request(f"{address}/team", method="PUT")).close()
    yield address
    server.stop()


def clone_of(origin: Path, name: str) -> Path:
    git(origin.parent, "clone", "-q", str(origin), name)
    return origin.parent / name


def assert_runs_without_images(bob: Path, alice: Path, *stages: str) -> None:
    """`repro --pull --allow-missing` up to the last of `stages` runs these and no other."""
    output = done(bob, "repro", "--pull", "--allow-missing", stages[-1])
    assert ran(output) == set(stages)
    assert (bob / STATISTICS).read_bytes() == (alice / STATISTICS).read_bytes()
    # Neither the raw file nor the prepared images came here, nor to the cache.
    assert (alice / RAW).exists() and not (bob / RAW).exists()
    (images,) = md5s(bob, "prepare@digits").values()
    assert cached(alice, images).exists()
    assert not cached(bob, images).exists() and not (bob / "data/prepared").exists()


def test_a_second_clone_trains_on_pushed_statistics_without_any_image(alice: Path) -> None:
    bob = clone_of(alice, "bob")
    assert_runs_without_images(bob, alice, "train@a", "sample@a")
    assert (bob / "data/samples/a/seed-0.npy").exists()


def test_a_second_clone_trains_on_statistics_from_s3_and_git_has_no_secret(
    alice: Path, endpoint: str
) -> None:
    first = clone_of(alice, "first")
    shutil.copytree(alice / ".dvc/cache", first / ".dvc/cache")
    done(first, "remote", "add", "-d", "cloud", "s3://team/gfmn")
    done(first, "remote", "modify", "cloud", "endpointurl", endpoint)
    done(first, "remote", "modify", "--local", "cloud", "access_key_id", KEY)
    done(first, "remote", "modify", "--local", "cloud", "secret_access_key", SECRET)
    assert "pushed" in done(first, "push")
    git(first, "add", "--all")
    git(first, "commit", "-q", "-m", "The remote")

    second = clone_of(first, "second")
    shutil.copy(first / ".dvc/config.local", second / ".dvc")
    shutil.rmtree(first)
    assert_runs_without_images(second, alice, "train@a")

    git(second, "add", "--all")
    git(second, "commit", "-q", "-m", "A run")
    assert SECRET in (second / ".dvc/config.local").read_text()
    history = git(second, "log", "--all", "--patch", "--text")
    assert endpoint in history and "train@a" in history
    assert SECRET not in history and KEY not in history


def test_a_changed_extractor_is_computed_anew_from_the_pulled_images(alice: Path) -> None:
    bob = clone_of(alice, "changed")
    params = study()
    params["extractors"]["trained"]["encoder"]["seed"] = 1
    write_parameters(bob, params)
    output = done(bob, "repro", "--pull", "--allow-missing", EXTRACT)
    assert ran(output) == {"check-params", "pretrain-extractor@encoder", EXTRACT}
    assert (bob / STATISTICS).read_bytes() != (alice / STATISTICS).read_bytes()
    assert (bob / "data/prepared/digits/images.npy").exists() and not (bob / RAW).exists()


def test_a_damaged_file_is_found_and_brought_back(alice: Path) -> None:
    bob, good = clone_of(alice, "damaged"), (alice / STATISTICS).read_bytes()
    used, kept = bob / STATISTICS, cached(bob, md5s(alice, EXTRACT)[STATISTICS])
    done(bob, "pull", STATISTICS)
    assert used.read_bytes() == kept.read_bytes() == good

    # In the workspace: its date has changed, so DVC looks.
    flip(used)
    assert f"modified:           {STATISTICS}" in done(bob, "status", EXTRACT)
    done(bob, "checkout", "--force", STATISTICS)
    assert used.read_bytes() == good

    # In the cache: DVC trusts whatever is read-only there, and hands it out.
    flip(kept)
    used.unlink()
    done(bob, "pull", STATISTICS)
    assert used.read_bytes() == kept.read_bytes() != good

    # What docs/team.md says: forget the trust, and pull.
    used.unlink()
    for path in filter(Path.is_file, (bob / ".dvc/cache/files").rglob("*")):
        path.chmod(0o644)
        path.touch()
    assert "1 file fetched" in done(bob, "pull", STATISTICS)
    assert used.read_bytes() == kept.read_bytes() == good
