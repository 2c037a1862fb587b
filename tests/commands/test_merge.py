"""`gfmn merge`, after the stages whose files it takes."""

import json
from pathlib import Path

import extract_stats
import numpy as np
import prepare
import pytest
from builders.commands import gfmn, refused
from builders.shards import images
from builders.tar_shards import write_tars
from builders.training import Taps32

from gfmn.common import paths

ROW = "{source: webdataset, shards: true, workers: 0, path: "
STATISTICS = "{extractor: e, covariance: {directions: 4}, bank: {count: 9}, dataset: "
HALVES = {
    name: f"w/train-{{{numbers}}}.tar"
    for name, numbers in (
        ("a", "000000..000001"),
        ("b", "000002..000003"),
        ("both", "000000..000003"),
    )
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extract_stats, "keep_freed_memory", lambda: None)  # of all tests
    monkeypatch.setattr(extract_stats, "load_extractor", lambda *_, **__: Taps32())
    return tmp_path


def test_stages_of_two_teams_and_merge_write_the_file_of_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tars(Path("w"), images(40), (np.arange(40) % 3).tolist(), 11)
    params = "root: .\ndatasets:\n" + "".join(f"  {k}: {ROW}'{v}'}}\n" for k, v in HALVES.items())
    params += "statistics:\n" + "".join(f"  {k}-e-eval: {STATISTICS}{k}}}\n" for k in HALVES)
    Path("params.yaml").write_text(params)
    for name in HALVES:
        prepare.main(name)
        extract_stats.main(f"{name}-e-eval")
    printed = capsys.readouterr().out.splitlines()
    assert printed[-2] == "both: 40 images of 32 px, 0 skipped, with labels"
    a, b, both = (paths.statistics(name, "e", "eval") for name in HALVES)
    gfmn("merge", b, a, "--dataset", "both", "--out", "merged.safetensors", "--json")
    assert Path("merged.safetensors").read_bytes() == both.read_bytes()
    facts = json.loads(capsys.readouterr().out)
    assert facts["count"] == 40 and facts["shards"] == 4 and facts["dataset"] == "both"
    assert (
        not any(Path("data/scratch").rglob("*.tar"))
        and (paths.timing("extract-stats-a-e-eval")).exists()
    )


def test_merge_refuses_in_one_line(folder: Path) -> None:
    words = ("merge", "a.safetensors", "b.safetensors")
    assert "expected a .safetensors file, found x.npz" in refused(
        *words, "--dataset=d", "--out=x.npz"
    )
    out = "--out=x.safetensors"
    assert "--dataset: expected a name of a-z" in refused(*words, out, "--dataset=A b")
    assert "a.safetensors: expected a file of format" in refused(*words, out, "--dataset=d")
    Path("x.safetensors").write_bytes(b"")
    assert "found one; not overwritten" in refused(*words, out, "--dataset=d")
