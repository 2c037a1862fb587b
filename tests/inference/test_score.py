"""`gfmn score`: images of any origin scored by the pipeline's own code."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.extractor_files import line, record
from PIL import Image

from gfmn import cli
from gfmn.datasets import prepared
from gfmn.datasets.prepared import Writer
from gfmn.inference import score
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import compare, describe_real
from gfmn.metrics.evaluator import load_evaluator
from gfmn.networks.extractor_file import NetworkRecord, save_extractor
from gfmn.weights import cache

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of images as a folder, an array and a parquet file, and an evaluator."""
    folder = tmp_path_factory.mktemp("images")
    made = record("enc")
    arguments = {"image_size": 32, "latent": 128}
    save_extractor(
        folder / "enc.safetensors",
        [NetworkRecord("enc", "dcgan_encoder", made.state, {}, arguments)],
    )
    rng = np.random.default_rng(0)
    for name, level in (("real", 90), ("made", 120)):
        images = rng.normal(level, 40, (COUNT, 32, 32, 3)).clip(0, 255).astype(np.uint8)
        np.save(folder / f"{name}.npy", images)
        (folder / name).mkdir()
        encoded = []
        for i, image in enumerate(images):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            encoded.append(buffer.getvalue())
            (folder / name / f"{i:03}.png").write_bytes(buffer.getvalue())
        pq.write_table(pa.table({"image": encoded}), folder / f"{name}.parquet")
    return folder


def run(*words: Any) -> str:
    arguments = cli.parse("score", list(map(str, words)))
    text, data = score.run(arguments)
    return json.dumps(data) if arguments.json else text


def run_with_encoder(folder: Path, *words: Any) -> str:
    return run(*words, "--evaluator", folder / "enc.safetensors", "--scratch", folder)


def test_score_equal_images_in_any_container_have_equal_scores(folder: Path) -> None:
    found = []
    for end in ("", ".npy", ".parquet"):
        text = run_with_encoder(folder, folder / f"made{end}", folder / f"real{end}", "--json")
        found.append(json.loads(text))
    assert found[0] == found[1] == found[2]
    assert found[0]["n_generated"] == found[0]["n_reference"] == COUNT
    assert found[0]["resizer"] == "none" and found[0]["image_size"] == 32
    assert found[0]["scores"]["fd_enc_60"]["value"] > 0


def test_score_gives_the_pipelines_own_scores(folder: Path, tmp_path: Path) -> None:
    arrays = (folder / "made.npy", folder / "real.npy")
    found = json.loads(run_with_encoder(folder, *arrays, "--json"))
    with Writer(tmp_path / "data", 32) as writer:
        writer.add(np.load(folder / "real.npy"), None)
        writer.finish({"name": "real"})
    data = prepared.read(tmp_path / "data")
    evaluator = load_evaluator(folder / "enc.safetensors")
    real, _ = describe_real(data, None, evaluator, MetricsConfig(), tmp_path / "reference")
    images = np.load(folder / "made.npy")
    expected = compare(images, data, real, evaluator, MetricsConfig(), tmp_path)
    assert found["scores"] == expected.to_json()["scores"]


def test_score_text_names_counts_and_space(folder: Path) -> None:
    text = run_with_encoder(folder, folder / "made", folder / "real", "--counts", "40")
    lines = text.splitlines()
    assert lines[0].startswith("fd_enc_40") and lines[1].startswith("fd_enc_60")
    assert "60 images against 60 real ones, 32 px, in the space of enc (dcgan_encoder" in text
    assert load_evaluator(folder / "enc.safetensors").digest in text and "fid" not in text.lower()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["absent", "real"],
            "GENERATED: absent: expected a folder of images, an .npy array, parquet",
        ),
        (["made", "odd"], "expected square images of one size, or --size, found 32 x 32 (GENERA"),
        (["broken", "real"], "GENERATED: a.png: expected an image, found: "),
        (["made", "real", "--evaluator", "lite"], "--evaluator: no 'lite'; did you mean 'lite"),
        (
            ["made", "real", "--evaluator", "enc.safetensors", "--resize", "64"],
            "enc.safetensors: expected no --weights and no --resize, the file has both",
        ),
        (
            ["made", "real", "--evaluator", "inception", "--weights", "absent.pth"],
            "--evaluator inception.source.path: absent.pth: expected a copy of https://github.com",
        ),
    ],
)
def test_score_of_unfit_arguments_is_a_one_line_error(
    words: list[str], expected: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GFMN_CACHE", str(folder / "cache"))
    for name, size in (("odd", (40, 32)), ("broken", None)):
        (folder / name).mkdir(exist_ok=True)
        if size:
            Image.new("RGB", size).save(folder / name / "a.png")
        else:
            (folder / name / "a.png").write_bytes(b"no image")
    evaluator = [] if "--evaluator" in words else ["--evaluator", "enc.safetensors"]
    assert expected in line(run, *words, *evaluator, "--scratch", folder)


def test_score_size_resizes_all_images(folder: Path) -> None:
    (folder / "large").mkdir()
    rng = np.random.default_rng(1)
    for i in range(20):
        image = rng.integers(0, 256, (48 + i, 64, 3), np.uint8)
        Image.fromarray(image).save(folder / "large" / f"{i}.png")
    arguments = (folder / "large", folder / "real", "--size", "32", "--json")
    text = run_with_encoder(folder, *arguments)
    assert json.loads(text)["n_generated"] == 20


def test_score_fetches_a_published_evaluator_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GFMN_CACHE", str(folder / "cache"))
    made = record("lite0", "efficientnet_lite0")
    calls = []

    def save(place: Path, name: str, network: Any, where: str) -> str:
        calls.append(where)
        record = NetworkRecord(name, "efficientnet_lite0", made.state, {}, network.arguments)
        save_extractor(place, [record])
        return ""

    monkeypatch.setattr(cache, "save_fetched", save)
    for _ in range(2):
        arrays = (folder / "made.npy", folder / "real.npy")
        text = run(*arrays, "--evaluator", "lite0", "--scratch", folder)
        assert "score_lite0_60" in text
    assert calls == ["--evaluator lite0"]
