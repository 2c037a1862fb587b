"""A study's baselines are checked before anything runs, each mistake in one line."""

from typing import Any

import pytest

from gfmn.common.errors import InputError
from gfmn.study import check

PHOTOS = {"source": "photos", "image_size": 32, "count": 100, "smallest": 0.2, "seed": 0}
ENCODER = {"task": "autoencoder", "architecture": "dcgan_encoder", "dataset": "photos"}
ENCODER |= {"latent": 128, "steps": 5}
ROW: dict[str, Any] = {"method": "wgan_gp", "dataset": "photos", "extractor": "none"}
ROW |= {"decoder": "none", "steps": 5}
CODES = {"method": "gmmn_ae", "generator": "dcgan_of_codes", "extractor": "encoder"}
CODES |= {"decoder": "encoder"}


def checked(row: dict[str, Any], **sections: Any) -> None:
    params = {"root": ".", "datasets": {"photos": PHOTOS}, "baselines": {"x": row}}
    check({**params, "extractors": {"trained": {"encoder": ENCODER}}, **sections}, "params.yaml")


def test_baselines_that_fit_are_accepted() -> None:
    checked(ROW)
    checked({**ROW, **CODES, "latent": 128})
    evaluation = {"x": {"run": "x", "dataset": "photos"}}
    with pytest.raises(InputError, match=r"evaluations\.x\.evaluator: required"):
        checked(ROW, evaluations=evaluation)


@pytest.mark.parametrize(
    ("changes", "sections", "line"),
    [
        ({"dataset": "photo"}, {}, "baselines.x.dataset: no 'photo'; did you mean 'photos'?"),
        ({"decoder": None}, {}, "baselines.x.decoder: required in every baseline's row"),
        ({}, {"baseline_defaults": {"method": "sn_gan"}}, "baseline_defaults: method: unknown key"),
        ({}, {"baseline_defaults": {"lr": -1.0}}, "baselines.x.lr: expected greater than 0"),
        (CODES, {}, "baselines.x.decoder: expected a decoder dcgan of latent 100, found dcgan of"),
        (
            {"critic": "extractor"},
            {},
            "baselines.x: wgan_gp with `critic: extractor`: expected",
        ),
        ({}, {"sampling": {"counts": {"y": 9}}}, "sampling.counts: no 'y'; known: x"),
    ],
)
def test_mistake_is_one_line(changes: dict[str, Any], sections: dict[str, Any], line: str) -> None:
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not None}
    with pytest.raises(InputError) as error:
        checked(row, **sections)
    assert str(error.value).startswith(f"params.yaml: {line}")


def test_baseline_takes_no_run_s_name() -> None:
    run = {"dataset": "photos", "extractor": "encoder", "batchnorm": "batch", "decoder": "none"}
    measured = {"dataset": "photos", "extractor": "encoder", "batchnorm": "batch", "batch": 64}
    sections = {"runs": {"x": {**run, "steps": 5}}, "statistics": {}}
    sections["statistics"] = {"photos-encoder-batch": measured}
    with pytest.raises(InputError, match=r"baselines\.x: expected a name that no run has"):
        checked(ROW, **sections)
