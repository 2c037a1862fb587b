"""Every row of the paper's Tables 2 and 3 and its other data sets, named as parameters.

Scored in Inception's space, in DINOv2's, and in that of a classifier trained in the pipeline.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from test_study import PARAMS

import gfmn
from gfmn.errors import InputError
from gfmn.extractors import select_taps
from gfmn.networks import describe
from gfmn.study import check

HASH = "0" * 64


def published(architecture: str) -> dict[str, Any]:
    """A checkpoint of the authors', imported into a file of ours."""
    path = f"weights/{architecture}.safetensors"
    source = {"kind": "file", "path": path, "sha256": HASH, "licence": "Apache-2.0"}
    return {"architecture": architecture, "source": source}


def encoder(architecture: str, dataset: str, latent: int) -> dict[str, Any]:
    row = {"task": "autoencoder", "architecture": architecture, "dataset": dataset}
    return {**row, "latent": latent, "steps": 1000}


def run(dataset: str, extractor: str, **changes: Any) -> dict[str, Any]:
    row = copy.deepcopy(PARAMS["runs"]["vgg16"])
    return {**row, "dataset": dataset, "extractor": extractor, **changes}


DATASETS = {
    "cifar10": {"source": "cifar10"},
    "imagenet32": {"source": "imagenet32"},
    "stl10": {"source": "stl10", "image_size": 32},
    "stl10_48": {"source": "stl10", "image_size": 48},
    "celeba64": {"source": "celeba", "image_size": 64, "crop": 160},
    "celeba128": {"source": "celeba", "image_size": 128, "crop": 160},
    "bedrooms": {"source": "lsun", "category": "bedroom", "image_size": 64},
}
EXTRACTORS = {
    "fetched": {"vgg19": published("vgg19_bn"), "resnet18": published("resnet18")},
    "trained": {
        "dcgan_encoder": encoder("dcgan_encoder", "cifar10", 128),
        "vgg19_encoder": encoder("vgg19_encoder", "imagenet32", 128),
        "faces_encoder": encoder("dcgan_encoder", "celeba64", 512),
        "resnet18_here": {
            "task": "classifier",
            "architecture": "resnet18",
            "dataset": "imagenet32",
            "epochs": 40,
        },
    },
    "bundled": {"both": {"first": "vgg19", "second": "resnet18"}},
}
DEPTHS = (1, 3, 5, 7, 9, 11, 13, 15, 16)
RUNS = {
    "t2_dcgan_encoder": run("cifar10", "dcgan_encoder"),
    "t2_vgg19_encoder": run("cifar10", "vgg19_encoder"),
    "t2_resnet18": run("cifar10", "resnet18"),
    "t2_vgg19": run("cifar10", "vgg19"),
    "t2_both": run("cifar10", "both", taps=16),
    "t2_both_resnet": run("cifar10", "both", taps=16, generator="resnet"),
    **{f"t3_{n}": run("cifar10", "vgg19", taps=n) for n in DEPTHS},
    "batch": run("cifar10", "both", taps=16, batchnorm="batch", weights={"vgg19": 2.0}),
    "from_decoder": run("cifar10", "resnet18_here", decoder="dcgan_encoder", latent=128),
    "last": run("cifar10", "vgg19", taps=-4),
    "stl10": run("stl10", "both", taps=16),
    "stl10_48": run("stl10_48", "vgg19"),
    "faces": run("celeba64", "faces_encoder"),
    "faces128": run("celeba128", "vgg19", generator="resnet"),
    "bedrooms": run("bedrooms", "vgg19"),
}


KNOWN = YAML(typ="safe").load((Path(gfmn.__file__).parent / "evaluators.yaml").read_text())
EYES = ("inception", "dinov2_small", "own")
EVALUATORS = {
    "fetched": {name: KNOWN[name] for name in EYES[:2]},
    "borrowed": {"own": {"extractor": "resnet18_here"}},
}


def study() -> dict[str, Any]:
    statistics = {}
    for row in RUNS.values():
        parts = {k: row[k] for k in ("dataset", "extractor", "batchnorm")}
        statistics["-".join(parts.values())] = parts
    return {
        "root": ".",
        "datasets": DATASETS,
        "extractors": EXTRACTORS,
        "evaluators": EVALUATORS,
        "statistics": statistics,
        "references": {
            f"{d}-{e}": {"dataset": d, "evaluator": e, "held_out": d}
            for d in DATASETS
            for e in EYES
        },
        "runs": RUNS,
        "metrics": PARAMS["metrics"],
        "evaluations": {
            f"{name}-{eye}": {"run": name, "dataset": row["dataset"], "evaluator": eye}
            for name, row in RUNS.items()
            for eye in EYES
        },
        "report": {
            "title": "The paper",
            "headline": "t2_both_resnet",
            "tables": {"t": {"title": "T", "rows": {name: {} for name in RUNS}}},
        },
    }


def test_every_row_of_the_papers_tables_can_be_named() -> None:
    check(study(), "params.yaml")


def test_the_papers_pair_leaves_out_resnet18s_last_tap() -> None:
    names = {n: describe(n).tap_names for n in ("vgg19_bn", "resnet18")}
    selected = select_taps(names, 16, "x")
    assert [len(taps) for taps in selected.values()] == [16, 16]
    assert "block4_2b" not in selected["resnet18"]
    last = select_taps(names, -1, "x")
    assert last == {"vgg19_bn": ("conv5_4",), "resnet18": ("block4_2b",)}


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("batch.weights", {"vgg16": 1.0}, "runs.batch.weights: no 'vgg16'; did you mean 'vgg19'?"),
        ("batch.weights", {"vgg19": -1.0}, "runs.batch.weights.vgg19: expected greater than or"),
        ("t2_vgg19.batchnorm", "batch", "statistics: no 'cifar10-vgg19-batch'"),
        (
            "from_decoder.decoder",
            "resnet18_here",
            "runs.from_decoder.decoder: no 'resnet18_here'; known: ",
        ),
        ("from_decoder.latent", 100, "expected dcgan, latent 100, 32 px, as the run has"),
        ("last.taps", 0, "runs.last.taps: expected 'all', the first n taps, the last n as -n"),
        ("last.taps", -17, "runs.last.taps: expected 1 to 16 taps"),
        ("t2_dcgan_encoder.dataset", "celeba64", "statistics: no 'celeba64-dcgan_encoder-eval'"),
    ],
)
def test_what_does_not_fit_is_one_line(path: str, value: Any, line: str) -> None:
    params = copy.deepcopy(study())
    name, _, key = path.partition(".")
    params["runs"][name][key] = value
    with pytest.raises(InputError) as error:
        check(params, "params.yaml")
    assert line in str(error.value) and "\n" not in str(error.value)
