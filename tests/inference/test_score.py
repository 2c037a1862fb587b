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

COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sets of pictures as a folder, an array and a parquet file, and an evaluator."""
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
        pictures = []
        for i, image in enumerate(images):
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            pictures.append(buffer.getvalue())
            (folder / name / f"{i:03}.png").write_bytes(buffer.getvalue())
        pq.write_table(pa.table({"image": pictures}), folder / f"{name}.parquet")
    return folder


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: Any) -> str:
    evaluator = ["--evaluator", str(folder / "enc.safetensors"), "--scratch", str(folder)]
    print(score.run(cli.parse("score", [*map(str, words), *evaluator])))
    return capsys.readouterr().out


def test_a_folder_an_array_and_a_parquet_file_of_the_same_images_have_the_same_scores(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for end in ("", ".npy", ".parquet"):
        text = run(folder, capsys, folder / f"made{end}", folder / f"real{end}", "--json")
        found.append(json.loads(text))
    assert found[0] == found[1] == found[2]
    assert found[0]["n_generated"] == found[0]["n_reference"] == COUNT
    assert found[0]["resizer"] == "none" and found[0]["image_size"] == 32
    assert found[0]["scores"]["fd_enc_60"]["value"] > 0


def test_the_command_gives_the_pipelines_own_scores(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = json.loads(run(folder, capsys, folder / "made.npy", folder / "real.npy", "--json"))
    with Writer(tmp_path / "data", 32) as writer:
        writer.add(np.load(folder / "real.npy"), None)
        writer.finish({"name": "real"})
    data = prepared.read(tmp_path / "data")
    evaluator = load_evaluator(folder / "enc.safetensors")
    real, _ = describe_real(data, None, evaluator, MetricsConfig(), tmp_path / "reference")
    images = np.load(folder / "made.npy")
    expected = compare(images, data, real, evaluator, MetricsConfig(), tmp_path)
    assert found["scores"] == expected.to_json()["scores"]


def test_the_text_says_how_many_images_in_whose_space(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = run(folder, capsys, folder / "made", folder / "real", "--counts", "40")
    lines = text.splitlines()
    assert lines[0].startswith("fd_enc_40") and lines[1].startswith("fd_enc_60")
    assert "60 images against 60 real ones, 32 px, in the space of enc (dcgan_encoder" in text
    assert load_evaluator(folder / "enc.safetensors").digest in text and "fid" not in text.lower()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["absent", "real"], "GENERATED: absent: expected a folder of pictures, an .npy array or"),
        (["made", "odd"], "expected square pictures of one size, or --size, found 32 x 32 (GENERA"),
        (["broken", "real"], "GENERATED: a.png: expected a picture, found: "),
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
def test_what_does_not_fit_is_one_line(
    words: list[str], expected: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GFMN_CACHE", str(folder / "cache"))
    for name, size in (("odd", (40, 32)), ("broken", None)):
        (folder / name).mkdir(exist_ok=True)
        if size:
            Image.new("RGB", size).save(folder / name / "a.png")
        else:
            (folder / name / "a.png").write_bytes(b"no picture")
    evaluator = [] if "--evaluator" in words else ["--evaluator", "enc.safetensors"]
    arguments = cli.parse("score", [*words, *evaluator, "--scratch", str(folder)])
    assert expected in line(score.run, arguments)


def test_pictures_of_any_size_are_brought_to_the_one_that_is_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "large").mkdir()
    rng = np.random.default_rng(1)
    for i in range(20):
        image = rng.integers(0, 256, (48 + i, 64, 3), np.uint8)
        Image.fromarray(image).save(folder / "large" / f"{i}.png")
    text = run(folder, capsys, folder / "large", folder / "real", "--size", "32", "--json")
    assert json.loads(text)["n_generated"] == 20


def test_a_published_evaluator_is_fetched_once(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GFMN_CACHE", str(folder / "cache"))
    made = record("lite0", "efficientnet_lite0")
    calls = []

    def save(place: Path, name: str, network: Any, where: str) -> str:
        calls.append(where)
        record = NetworkRecord(name, "efficientnet_lite0", made.state, {}, network.arguments)
        save_extractor(place, [record])
        return ""

    monkeypatch.setattr(score, "save_fetched", save)
    for _ in range(2):
        words = [str(folder / "made.npy"), str(folder / "real.npy"), "--evaluator", "lite0"]
        print(score.run(cli.parse("score", [*words, "--scratch", str(folder)])))
        assert "score_lite0_60" in capsys.readouterr().out
    assert calls == ["--evaluator lite0"]
