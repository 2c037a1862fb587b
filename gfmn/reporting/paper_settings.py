"""The paper's settings of a run, and which of a run's settings are others.

The paper is dos Santos et al., ICCV 2019; where it gives no value, its published code's and its
authors' earlier submission's count (docs/fidelity.md). Nothing is said of data sets and taps, which
every table names.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gfmn.reporting.networks import Entry, Networks

NOTHING = "nothing"  # differs
NETWORKS = ("vgg19_bn", "resnet18", "dcgan_encoder", "vgg19_encoder")  # the paper's

PAPER: dict[str, tuple[tuple[Any, ...], str]] = {  # parameter -> its values, and another as text
    "objective": (("ama",), "{}"),
    "lr": ((1e-4, 5e-5), "lr {}"),
    "ama.rate": ((5e-5, 1e-5), "rate {}"),
    "warmup": ((0,), "warm-up {}"),
    "lr_hold_fraction": ((1,), "decay"),
    "ama.normalize": (("none",), "{} units"),
    "ama.beta1": ((0.9,), "AMA beta1 {}"),
    "ama.beta2": ((0.999,), "AMA beta2 {}"),
    "ama.reduction": (("sum",), "{} reduction"),
    "ama.init": (("zero", "uniform"), "{} init"),  # not given
    "batchnorm": (("eval",), "batch norm {}"),
    "beta1": ((0.5,), "generator’s beta1 {}"),  # the code's, as beta2
    "beta2": ((0.999,), "generator’s beta2 {}"),
    "ema": ((0,), "ema {}"),
    "grad_clip_norm": ((0,), "clip {}"),
    "generator": (("dcgan", "resnet"), "generator {}"),
    "latent": ((100,), "latent {}"),
    "batch": ((64,), "minibatch {}"),
    # 500 and 1,500 epochs of CIFAR-10 in the earlier submission; the others are those of
    # studies/paper for the figures, for which no number is given.
    "steps": ((391_000, 1_173_000, 160_000, 400_000), "{} steps"),
}
VARIANTS: tuple[dict[str, tuple[Any, ...]], ...] = (  # of these values
    {},
    {  # the published code
        "ama.beta1": (0.5,),
        "ama.reduction": ("mean",),
        "ama.init": ("uniform",),
        "batchnorm": ("batch",),
    },
    {"objective": ("ma",), "batch": (64, 512), "batchnorm": ("eval", "batch")},  # Figure 4
)


def differing_settings(run: Mapping[str, Any], networks: Networks) -> str:
    """A run's settings that are not the paper's, as `lr 1e-3, rate 0.01, decay, 2,000 steps`.

    `run`: its complete parameters; those that it does not have are not compared. The comparison is
    with the variant of the paper's values that most of the run's are of.
    """
    if "method" in run:  # a baseline, which the paper did not train
        return "another method"
    texts = min((_differences(run, variant) for variant in VARIANTS), key=len)
    unequal = {name: weight for name, weight in (run.get("weights") or {}).items() if weight != 1}
    if unequal:
        texts.append(f"weights {', '.join(f'{k} {_short(v)}' for k, v in unequal.items())}")
    texts += [f"{objective} added" for objective in run.get("added") or {}]
    texts += ["conditional"] if run.get("conditional") else []
    others = filter(None, map(_other_network, networks.matched(run).values()))
    if extractor := " + ".join(others):
        texts.append(f"extractor {extractor}")
    return ", ".join(texts) or NOTHING


def _differences(run: Mapping[str, Any], variant: Mapping[str, Sequence[Any]]) -> list[str]:
    texts = []
    for key, (values, text) in PAPER.items():
        value: Any = run
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and value not in variant.get(key, values):
            texts.append(text.format(_short(value)))
    return texts


def _other_network(network: Entry) -> str:
    """A network that is not the paper's, or not of its training; empty for one of the paper's."""
    architecture, dataset = str(network.get("architecture", "")), network.get("dataset")
    if architecture not in NETWORKS:
        return architecture
    if dataset and architecture != "dcgan_encoder" and "imagenet" not in dataset:
        return f"{architecture} trained on {dataset}"  # the paper's were trained on ImageNet
    source = network.get("source")
    kind = source.get("kind") if isinstance(source, Mapping) else None
    return f"{kind}’s {architecture}" if kind in ("torchvision", "timm") else ""


def _short(value: Any) -> str:
    """`0.01`, `1e-3`, `2,000`, or a word."""
    if isinstance(value, float):
        if 0 < abs(value) < 0.01:
            return np.format_float_scientific(value, trim="-", exp_digits=1)
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
