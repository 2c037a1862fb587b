"""Real images as an `.npz` file of mu and sigma: written, read, compared with, refused."""

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.commands import gfmn, refused
from builders.embeddings import two_sets
from builders.extractor_files import encoder_file, line

import gfmn as library
from gfmn.inference import real_statistics
from gfmn.inference.real_statistics import load, save
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import describe_real
from gfmn.metrics.evaluator import load_evaluator
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.reference import save as save_study_reference

WIDTH = 4
MU, SIGMA = np.arange(4.0), np.diag(np.arange(1.0, 5.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of images as arrays, and an evaluator."""
    folder = tmp_path_factory.mktemp("sets")
    for name, images in zip(("real", "made"), two_sets(60), strict=True):
        np.save(folder / f"{name}.npy", images)
    encoder_file(folder)
    return folder


def scores(capsys: pytest.CaptureFixture[str], *words: Any) -> dict[str, Any]:
    gfmn("score", *words, "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_distances_to_a_file_are_those_to_its_images(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, stats, evaluator = folder / "made.npy", folder / "cli.npz", folder / "enc.safetensors"
    options = ("--evaluator", evaluator, "--counts", 40)
    whole = scores(capsys, made, folder / "real.npy", *options, "--save-real", stats)
    alone = scores(capsys, made, stats, *options)
    kept = {name: one for name, one in whole["scores"].items() if name.startswith("fd_")}
    assert alone["scores"] == kept and len(kept) == 3  # of 40, of 60, and extrapolated
    assert alone["n_reference"] == 60
    gfmn("score", made, stats, *options)
    assert "60 images against 60 real ones, 32 px, in the space of enc" in capsys.readouterr().out


def test_library_writes_and_reads_what_the_command_does(folder: Path) -> None:
    evaluator, data = folder / "enc.safetensors", library.images(folder / "real.npy")
    library.save_reference(folder / "library.npz", data, evaluator)
    config = MetricsConfig()
    reference, _ = describe_real(data, None, load_evaluator(evaluator), config, folder / "study")
    save_study_reference(reference, folder / "study")
    library.save_reference(folder / "of_study.npz", folder / "study")
    with np.load(folder / "library.npz") as one, np.load(folder / "of_study.npz") as other:
        assert set(one) == {"mu", "sigma", "count"}
        assert all(np.allclose(one[name], other[name], rtol=1e-12) for name in one)
        pooled = load_evaluator(evaluator).features(data.images).pooled.astype(float)
        assert np.allclose(one["sigma"], np.cov(pooled.T), rtol=1e-9, atol=1e-12)
    made = np.load(folder / "made.npy")
    found = library.score(made, folder / "library.npz", evaluator)
    whole = library.score(made, data, evaluator)
    assert set(found) == {name for name in whole if name.startswith("fd_")}
    assert found == pytest.approx({name: whole[name] for name in found}, rel=1e-9)


def test_files_of_other_tools_need_mu_and_sigma_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez_compressed(path, mu=MU.astype(np.float32), sigma=SIGMA, arr_0=np.zeros(3))
    gaussian, count = load(path)
    assert count is None and gaussian.rank == WIDTH
    assert (gaussian.mean.numpy() == MU).all() and (gaussian.covariance.numpy() == SIGMA).all()
    save(tmp_path / "ours.npz", Gaussian(3, gaussian.mean, gaussian.covariance))
    again, count = load(tmp_path / "ours.npz")
    assert count == 3 and again.rank == 2 and (again.covariance == gaussian.covariance).all()


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{"mu": MU, "sigma": SIGMA, **arrays})  # type: ignore[arg-type]
    return buffer.getvalue()


def bomb(rows: int) -> bytes:
    """A sigma whose header promises more than the file has."""
    buffer, header = io.BytesIO(), io.BytesIO()
    facts = {"descr": "<f8", "fortran_order": False, "shape": (rows, rows)}
    np.lib.format.write_array_header_1_0(header, facts)
    mean = io.BytesIO()
    np.save(mean, MU)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mu.npy", mean.getvalue())
        archive.writestr("sigma.npy", header.getvalue() + b"\0" * 64)
    return buffer.getvalue()


SKEW = SIGMA + np.triu(np.ones((4, 4)), 1)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "found an empty file"),
        (b"version https://git-lfs.github.com/spec/v1", "found a pointer of Git LFS"),
        (npz({})[:-30], "found File is not a zip file"),
        (npz({"mu": np.array([{}])}), "found Object arrays cannot be loaded"),
        (npz({"mu": MU[:3]}), "found 3 float64 and 4 x 4 float64"),
        (npz({"sigma": SIGMA[0]}), "found 4 float64 and 4 float64"),
        (npz({"mu": MU.astype(int)}), "found 4 int64 and 4 x 4 float64"),
        (npz({"mu": np.full(4, np.nan)}), "found an infinity or NaN"),
        (npz({"sigma": SKEW}), "found a sigma that is no covariance"),
        (npz({"sigma": -SIGMA}), "found a sigma that is no covariance"),
        (npz({"sigma": SIGMA + 9 * (1 - np.eye(4))}), "found a sigma that is no covariance"),
        (npz({"sigma": SIGMA * 1e200}), "found values beyond 1e+100"),
        (npz({"count": np.int64(1)}), "found a count of 1"),
        (npz({"count": np.float64(2.5)}), "object cannot be interpreted as an integer"),
        (npz({"count": np.array([5, 6])}), "found "),
        (bomb(10**5), "found "),
        (bomb(10**9), "found "),
    ],
)
def test_unfit_files_are_refused_in_one_line(data: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(data)
    message = line(load, path)
    expected = f"{path}: expected mu (D) and sigma (D x D) of at most 8,192 features, found "
    assert message.startswith(expected) and found in message


def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "folder.npz").mkdir()
    for name, found in (("pipe", "a pipe"), ("folder", "a folder"), ("none", "No such file")):
        assert found in line(load, tmp_path / f"{name}.npz")


def test_arrays_that_are_too_large_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.npz"
    np.savez_compressed(path, mu=np.zeros(10**6), sigma=SIGMA)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr(real_statistics, "BYTES", 10**6)
    assert line(load, path).endswith("found mu of 8,000,128 bytes")


def test_score_refuses_what_does_not_go_with_a_file(folder: Path) -> None:
    stats, options = folder / "four.npz", ("--evaluator", folder / "enc.safetensors")
    np.savez(stats, mu=MU, sigma=SIGMA)
    made = folder / "made.npy"
    message = refused("score", made, stats, *options)
    assert message.endswith("four.npz: expected mu of the 256 features of enc, found 4 values")
    message = refused("score", made, stats, *options, "--save-real", folder / "x.npz")
    assert "--save-real: expected REAL to be images, found" in message
    message = refused("score", made, made, *options, "--save-real", stats)
    assert message.endswith("four.npz: expected no file, found one; not overwritten")
    assert "x.txt: expected a .npz file's name" in line(
        lambda: library.save_reference(folder / "x.txt", library.images(made), options[1])
    )
