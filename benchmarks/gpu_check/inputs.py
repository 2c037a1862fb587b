"""The part `inputs`: the extractor file, the images and their statistics, made for the others."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.gpu_check.check import Check, expect
from benchmarks.gpu_check.setting import IMAGE_SIZE, Setting, features
from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.groups import GROUPS, new_groups
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, read_header, save_extractor, summary
from gfmn.runtime.distributed import ALONE
from gfmn.weights.containers import is_safetensors, is_torch_file
from gfmn.weights.convert import convert
from gfmn.weights.recognize import import_checkpoint

RANDOM = "vgg19_bn"  # the paper's extractor, where no weights are given


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Convert or make the weights, read the images, take their statistics on the device."""
    path = setting.file("extractor.safetensors")
    write_extractor(setting.weights, path)
    random = "" if setting.weights else "RANDOM weights, no --weights given: "
    yield expect(True, f"{random}{summary(path)}", random_weights=not setting.weights)

    count = 64 if setting.quick else 4_000 if setting.on_gpu else 1_000
    source = {**image_source(setting.images, count), "image_size": IMAGE_SIZE}
    config = sources.parse(source, "gpu-check")
    data = sources.prepare(config, "images", setting.file("images"), "images")
    found = setting.images or "crops of photographs, no --images given"
    yield expect(True, f"{data['count']:,} images of {IMAGE_SIZE} px: {found}")

    extractor = setting.extractor()
    row: dict[str, Any] = {"dataset": "images", "extractor": "extractor", "precision": "fp32"}
    row |= {name: {} for name in GROUPS}
    measured = statistics.StatisticsConfig.parse(row, "row")
    groups = new_groups(measured, data["count"])
    images, start = setting.real_images(), time.perf_counter()
    with Progress("statistics", len(images), "images") as progress:
        mean, variance = statistics.extract(images, extractor, 256, progress, groups=groups)
    rate = len(images) / (time.perf_counter() - start)
    facts = statistics.describe(measured, data, extractor, groups)
    results = {name: group.result(ALONE) for name, group in groups.items()}
    real = statistics.Statistics(facts, mean, variance, results)
    statistics.save(real, setting.file("statistics.safetensors"))
    finite = all(bool(torch.isfinite(v).all()) for v in (*mean.values(), *variance.values()))
    text = f"statistics of {features(extractor):,} features, {rate:,.0f} images a second in fp32"
    yield expect(finite, text, images_per_second=rate)


def write_extractor(weights: str | None, out: Path) -> None:
    """An extractor file of an extractor file, a checkpoint, the Flax VGG16, or random weights.

    Raises `InputError` for a file that is none of them.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    if weights is None:
        save_extractor(out, [random_record(RANDOM)])
        return
    path = Path(weights)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected a file of weights, found: {error.strerror}") from None
    if is_safetensors(data):
        read_header(path)  # an `InputError` for another's
        out.write_bytes(data)
    elif is_torch_file(data):
        save_extractor(out, [import_checkpoint(path).record])
    else:
        state = convert("vgg16", data, weights)
        save_extractor(out, [NetworkRecord("vgg16", "vgg16", state, {"file": path.name})])


def random_record(architecture: str) -> NetworkRecord:
    """Weights under which activations neither grow nor shrink from layer to layer; seed 0."""
    torch.manual_seed(0)
    network = build(architecture)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return NetworkRecord(architecture, architecture, network.state_dict(), {"kind": "random"})


def image_source(path: str | None, count: int) -> dict[str, Any]:
    """Parameters of a data set of the first `count` images of a path, by what is there."""
    if path is None:
        return {"source": "photos", "count": count}
    where = Path(path)
    kind = "folder"
    if where.suffix in (".npy", ".parquet"):
        kind = where.suffix[1:]
    elif where.is_dir() and any(where.rglob("*.parquet")):
        kind = "parquet"
    return {"source": kind, "path": path, "limit": count, "workers": 0}
