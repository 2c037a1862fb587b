"""A run's settings that are not the paper's: each in a few words, in every table and file."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.project import ROOT
from builders.synthetic_report import finished_report
from ruamel.yaml import YAML

from gfmn.reporting.networks import Networks
from gfmn.reporting.paper_settings import NOTHING, PAPER, differing_settings
from gfmn.reporting.tables.files import write_tables
from gfmn.study import check
from gfmn.training.config import TrainingConfig

AMA = {"rate": 5e-5, "beta1": 0.9, "reduction": "sum", "init": "zero", "normalize": "none"}
CODE = {"beta1": 0.5, "reduction": "mean", "init": "uniform"}
NETWORKS = Networks(
    {
        "fetched": {
            "vgg16": {"architecture": "vgg16"},
            "lite0": {"architecture": "efficientnet_lite0"},
            "authors": {"architecture": "vgg19_bn", "source": {"kind": "file"}},
            "library": {"architecture": "vgg19_bn", "source": {"kind": "torchvision"}},
        },
        "trained": {
            "vgg19": {"architecture": "vgg19_bn", "dataset": "imagenet32"},
            "small": {"architecture": "resnet18", "dataset": "cifar10"},
            "encoder": {"architecture": "dcgan_encoder", "dataset": "photos"},
        },
        "combined": {
            "both": {"networks": ["vgg16", "lite0"]},
            "mixed": {"networks": ["vgg19", "lite0"]},
        },
    }
)


def differs(ama: dict[str, Any] | None = None, **changes: Any) -> str:
    run = {"dataset": "d", "extractor": "vgg19", "steps": 391_000, "ama": AMA | (ama or {})}
    config = TrainingConfig.parse(run | changes, "run")
    return differing_settings(config.effective(), NETWORKS)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, NOTHING),
        ({"ama": {"rate": 1e-5}, "lr": 5e-5, "generator": "resnet"}, NOTHING),
        ({"ama": CODE, "batchnorm": "batch"}, NOTHING),  # as its published code
        ({"ama": CODE}, "batch norm eval"),
        ({"ama": {"beta1": 0.5}}, "AMA beta1 0.5"),
        ({"ama": {"reduction": "mean"}}, "mean reduction"),
        ({"objective": "ma", "batch": 512}, NOTHING),  # Figure 4
        ({"objective": "ma", "batch": 256}, "minibatch 256"),
        ({"batch": 512}, "minibatch 512"),
        ({"lr": 2e-3, "ema": 0.999}, "lr 2e-3, ema 0.999"),
        ({"grad_clip_norm": 1.0, "warmup": 100}, "warm-up 100, clip 1"),
        ({"beta1": 0.9, "latent": 128}, "generator’s beta1 0.9, latent 128"),
        ({"weights": {"vgg19": 2.0}}, "weights vgg19 2"),
        ({"added": {"covariance": 2.0, "drifting": 1}}, "covariance added, drifting added"),
        ({"added": {"mmd": 1}, "conditional": True}, "mmd added, conditional"),
        ({"extractor": "authors"}, NOTHING),
        ({"extractor": "encoder"}, NOTHING),
        ({"extractor": "library"}, "extractor torchvision’s vgg19_bn"),
        ({"extractor": "small"}, "extractor resnet18 trained on cifar10"),
        ({"extractor": "both"}, "extractor vgg16 + efficientnet_lite0"),
        ({"extractor": "mixed"}, "extractor efficientnet_lite0"),
        (
            {
                **{"ama": {"rate": 0.01, "normalize": "std"}, "lr": 1e-3, "steps": 2000},
                "lr_hold_fraction": 0.5,
            },
            "lr 1e-3, rate 0.01, decay, std units, 2,000 steps",
        ),
        (
            {"objective": "moment_matching", "steps": 3000, "extractor": "vgg16"},
            "moment_matching, 3,000 steps, extractor vgg16",
        ),
    ],
)
def test_differing_settings_are_named_in_a_few_words(
    changes: dict[str, Any], expected: str
) -> None:
    assert differs(**changes) == expected


def test_every_compared_setting_is_a_parameter_of_a_run() -> None:
    run = TrainingConfig.parse({"dataset": "d", "extractor": "e", "steps": 1}, "run").effective()
    for key in PAPER:
        group, _, name = key.rpartition(".")
        assert name in (run[group] if group else run), key


def test_rows_of_the_papers_own_study_differ_in_nothing() -> None:
    path = ROOT / "studies/paper/params.yaml"
    params = YAML(typ="safe").load(path)
    networks = Networks(params["extractors"], params["evaluators"])
    for name, run in check(params, str(path)).runs.items():
        assert differing_settings(run.effective(), networks) == NOTHING, name


def test_every_row_of_a_table_says_what_differs(tmp_path: Path) -> None:
    report = finished_report()
    write_tables(report.study, report.tables, tmp_path)
    for name, table in report.tables.items():
        csv = pd.read_csv(tmp_path / f"{name}.csv").set_index("run")["differs"]
        lines = (tmp_path / f"{name}.md").read_text().splitlines()
        assert "| Not the paper’s |" in lines[2]
        for run in table.runs["run"]:
            assert "1,200 steps" in csv[run]
            (line,) = (line for line in lines if line.startswith((f"| {run} ", f"| {run} (")))
            assert f"| {csv[run]} |" in line
            if table.paper:
                assert f"not the paper’s: {csv[run]}.</li>" in report.page
        assert pd.isna(csv["Real data"])
