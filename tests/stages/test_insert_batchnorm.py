"""The stage `insert-batchnorm`: an extractor file with batch norm, fitted to prepared images."""

import json
from pathlib import Path

import insert_batchnorm
import numpy as np
import pytest
import torch
from builders.extractor_files import record
from builders.prepared import write

from gfmn.common import paths
from gfmn.common.images import bytes_to_unit
from gfmn.networks.batchnorm_insertion import with_batchnorm
from gfmn.networks.extractor_file import only_network, read_state, save_extractor


def test_stage_fits_to_as_many_images_as_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    write(paths.prepared("d"), [(images, None)], 32, {})
    save_extractor(paths.extractor("vgg"), [record("vgg", "vgg11")])
    rows = {f"bn{n}": {"extractor": "vgg", "dataset": "d", "count": n} for n in (30, 99)}
    Path("params.yaml").write_text(json.dumps({"extractors": {"with_batchnorm": rows}}))
    for name in rows:
        insert_batchnorm.main(name)
    header = only_network(paths.extractor("bn30"))
    assert header.provenance["batchnorm"]["count"] == 30
    assert only_network(paths.extractor("bn99")).provenance["batchnorm"]["count"] == 40
    assert "bn30 (vgg11_bn, 8 taps)" in capsys.readouterr().out
    # All of them: those of the order, whatever was drawn.
    expected = with_batchnorm("bn99", paths.extractor("vgg"), bytes_to_unit(images), {}).state
    found = read_state(paths.extractor("bn99"), only_network(paths.extractor("bn99")))
    for key, value in found.items():
        torch.testing.assert_close(value, expected[key])
