"""`gfmn score`: images of any origin scored by the pipeline's own code."""

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gfmn import sources
from gfmn.common.arguments import Number
from gfmn.common.bounds import SAMPLES, SIDE
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.inference import options, real_statistics
from gfmn.inference.image_files import check_writable
from gfmn.inference.output import Result
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import EvaluationResult, compare, describe_real
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.metrics.published import published_evaluators
from gfmn.sources.decode import BrokenImageError, size_of
from gfmn.sources.paths import row_of
from gfmn.weights.cache import cached
from gfmn.weights.config import FetchedEvaluator

SMALLEST = 8  # px, the least that a data set may have
DESCRIPTION = "Score images against real ones, as the pipeline does."
MEANING = """\
Scores are named <score>_<evaluator>_<images>. Lower is better: fd (Fréchet distance; inf:
extrapolated to infinitely many images), kd (kernel distance). Higher is better: score (of the
Inception Score's form), precision, recall. memorised is the probability that an image is nearer to
a real one than real images are to each other: 0.5 where it copies nothing. Only in the space of
Inception with its published weights are they called fid, kid and is. Against an .npz file of mu and
sigma there are Fréchet distances alone.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, and what its scores mean below them."""
    parser.description, parser.epilog = DESCRIPTION, MEANING
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    kinds = "a folder of images, an .npy array (uint8) or parquet files"
    parser.add_argument("generated", metavar="GENERATED", help=kinds)
    statistics = "or an .npz file of mu and sigma in the evaluator's space, as other tools have it"
    parser.add_argument("real", metavar="REAL", help=f"likewise, {statistics}")
    evaluators = f"{', '.join(published_evaluators())}, or a file of this pipeline's"
    parser.add_argument("--evaluator", default="lite0", help=f"{evaluators}; default: lite0")
    parser.add_argument("--weights", type=Path, help="a copy of the evaluator's published file")
    side, count = Number(1, SIDE), Number(2, SAMPLES)
    parser.add_argument("--resize", type=side, help="pixels that the evaluator sees")
    parser.add_argument("--size", type=side, help="pixels to which all images are brought first")
    parser.add_argument("--counts", type=count, nargs="+", help="images in a Fréchet distance")
    real = "also write REAL's mu and sigma, an .npz file"
    parser.add_argument("--save-real", type=Path, metavar="FILE", help=real)
    options.add_force(parser)
    parser.add_argument("--scratch", type=Path, help="a folder for temporary files")


def run(arguments: argparse.Namespace) -> Result:
    """The scores as text; raises `InputError` for images or an evaluator that do not fit."""
    counts = arguments.counts
    config = MetricsConfig.parse({"counts": counts} if counts else {}, "options")
    known = Path(arguments.real) if real_statistics.is_statistics(arguments.real) else None
    gaussian, n_reference = (None, None) if known is None else real_statistics.load(known)
    if arguments.save_real:
        if known is not None:
            raise InputError(f"--save-real: expected REAL to be images, found {known}")
        check_writable(arguments.save_real, arguments.force)
    evaluator = named_evaluator(arguments.evaluator, arguments.weights, arguments.resize)
    with tempfile.TemporaryDirectory(dir=arguments.scratch, prefix="gfmn-") as scratch:
        folder = Path(scratch)
        inputs = {"GENERATED": arguments.generated}
        if known is None:
            inputs["REAL"] = arguments.real
        size = arguments.size or _common_size(inputs)
        sets = {n: _prepared(path, size, n, folder / n.lower()) for n, path in inputs.items()}
        images = sets["GENERATED"].images
        if known is not None and gaussian is not None:
            scores = real_statistics.distances(
                images, (known, gaussian), evaluator, config, folder / "features"
            )
            result = EvaluationResult(scores)
        else:
            real = sets["REAL"]
            n_reference = len(real.images)
            reference, _ = describe_real(real, None, evaluator, config, folder / "reference")
            result = compare(images, real, reference, evaluator, config, folder / "features")
            if arguments.save_real:
                gaussian = reference.real.gaussian
                real_statistics.save(arguments.save_real, gaussian, arguments.force)
    facts = {
        **evaluator.facts(),
        "n_generated": len(images),
        "n_reference": n_reference,
        "image_size": size,
        "settings": config.model_dump(mode="json"),
    }
    result.warn("gfmn score")
    return Result(_text(result, facts), {**facts, **result.to_json()})


def named_evaluator(
    name: str,
    weights: Path | None = None,
    resize: int | None = None,
    argument: str = "--evaluator",
) -> Evaluator:
    """One by name, fetched once for all, or a file of the pipeline's; `argument` begins errors."""
    if name.endswith(".safetensors"):
        if weights is not None or resize is not None:
            raise InputError(f"{name}: expected no --weights and no --resize, the file has both")
        return load_evaluator(name)
    published = published_evaluators()
    if name not in published:
        raise InputError(
            f"{argument}: no {name!r}; {suggest(name, published)}, or a .safetensors file"
        )
    row: dict[str, Any] = published[name]
    if resize is not None:
        row["resize"] = resize
    if weights is not None:
        row["source"]["path"] = str(weights)
    where = f"{argument} {name}"
    try:
        return load_evaluator(cached(name, FetchedEvaluator.parse(row, where), where))
    except InputError as error:
        advice = "" if weights else "; --weights takes a local copy of the file"
        raise InputError(f"{error}{advice}") from None


def _source(path: str, size: int, argument: str) -> sources.ImageSource:
    """The data set's parameters that a path stands for."""
    row = row_of(path, argument) | {"image_size": size}
    config = sources.parse(row | ({"label": None} if row["source"] == "parquet" else {}), argument)
    assert isinstance(config, sources.ImageSource)
    return config


def _common_size(inputs: Mapping[str, str]) -> int:
    """The size of all images in px; `InputError` unless they are square and of one size."""
    first: tuple[str, tuple[int, int]] | None = None
    for argument, path in inputs.items():
        config = _source(path, SMALLEST, argument)
        for item in config.open(argument).items:
            try:
                this = (f"{argument} {item.name}", size_of(item.raw))
            except BrokenImageError as error:
                raise InputError(
                    f"{argument}: {item.name}: expected an image, found: {error}"
                ) from None
            first = first or this
            if this[1] != first[1] or this[1][0] != this[1][1]:
                both = dict.fromkeys((first, this))
                actual = " and ".join(f"{w} x {h} ({name})" for name, (w, h) in both)
                raise InputError(f"expected square images of one size, or --size, found {actual}")
    assert first is not None
    return first[1][0]


def _prepared(path: str, size: int, argument: str, folder: Path) -> PreparedDataset:
    sources.prepare(_source(path, size, argument), argument.lower(), folder, argument)
    data = prepared.read(folder)
    data.metadata["name"] = None  # no study's data set
    return data


def _text(result: EvaluationResult, facts: Mapping[str, Any]) -> str:
    width = max(map(len, result.scores))
    lines = []
    for name, score in result.scores.items():
        std = "" if score.std is None else f" ± {score.std:.3g}"
        lines.append(f"{name:{width}}  {score.value:.5g}{std}  {score.over or ''}".rstrip())
    count = facts["n_reference"]
    real = f"{count:,} real ones" if count else "mu and sigma"
    images = f"{facts['n_generated']:,} images against {real}"
    evaluator = f"{facts['evaluator']} ({facts['architecture']}, resize: {facts['resizer']})"
    lines.append(f"{images}, {facts['image_size']} px, in the space of {evaluator}")
    return "\n".join([*lines, f"sha256 of the evaluator: {facts['evaluator_digest']}"])
