"""Score images of any origin: `python -m gfmn.metrics GENERATED REAL --evaluator lite0`."""

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gfmn import sources
from gfmn.common import yaml_reader
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import Evaluation, compare, describe_real, facts_of
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.sources.decode import BrokenImageError, size_of
from gfmn.weights.converters import FetchedEvaluator, save_fetched

SMALLEST = 8  # px, the least that a data set may have
KNOWN = Path(__file__).parent.parent / "evaluators.yaml"
MEANING = """\
Scores are named <score>_<evaluator>_<images>. Lower is better: fd (Fréchet distance; inf:
extrapolated to any number of images), kd (kernel distance). Higher is better: score (of the
Inception Score's form), precision, recall. memorised is the probability that an image is nearer to
a real one than real images are to each other: 0.5 where it copies nothing. Only in the space of
Inception with its published weights are they called fid, kid and is.
"""


def main(arguments: list[str] | None = None) -> None:
    words = _parser().parse_args(arguments)
    config = MetricsConfig(counts=tuple(words.counts)) if words.counts else MetricsConfig()
    evaluator = _evaluator(words.evaluator, words.weights, words.resize)
    with tempfile.TemporaryDirectory(dir=words.scratch, prefix="gfmn-") as scratch:
        folder = Path(scratch)
        sides = {"GENERATED": words.generated, "REAL": words.real}
        size = words.size or _common_size(sides)
        made, data = (
            _prepared(path, size, side, folder / side.lower()) for side, path in sides.items()
        )
        reference, _ = describe_real(data, None, evaluator, config, folder / "reference")
        found = compare(made.images, data, reference, evaluator, config, folder / "features")
    facts = {
        **facts_of(evaluator),
        "n_generated": len(made.images),
        "n_reference": len(data.images),
        "image_size": size,
        "settings": config.model_dump(mode="json"),
    }
    print(json.dumps({**facts, **found.to_json()}, indent=2) if words.json else _text(found, facts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gfmn.metrics",
        description="Score images against real ones, by the pipeline's own code.",
        epilog=MEANING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = "a folder of pictures, an .npy array (uint8) or parquet files"
    parser.add_argument("generated", metavar="GENERATED", help=what)
    parser.add_argument("real", metavar="REAL", help="likewise")
    known = f"{', '.join(_known())}, or a file of this pipeline's"
    parser.add_argument("--evaluator", default="lite0", help=f"{known}; default: lite0")
    parser.add_argument(
        "--weights", type=Path, help="a local copy of the evaluator's published file"
    )
    parser.add_argument("--resize", type=int, help="pixels at which the evaluator looks")
    parser.add_argument("--size", type=int, help="pixels to which all images are brought first")
    parser.add_argument("--counts", type=int, nargs="+", help="images in a Fréchet distance")
    parser.add_argument("--scratch", type=Path, help="a folder for temporary files")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    return parser


def _known() -> dict[str, Any]:
    return dict(yaml_reader.load(KNOWN.read_bytes(), str(KNOWN)))


def _evaluator(name: str, weights: Path | None, resize: int | None) -> Evaluator:
    """One by name, fetched once for all, or a file of the pipeline's."""
    if name.endswith(".safetensors"):
        if weights is not None or resize is not None:
            raise InputError(f"{name}: expected no --weights and no --resize, the file has both")
        return load_evaluator(name)
    known = _known()
    if name not in known:
        raise InputError(
            f"--evaluator: no {name!r}; {suggest(name, known)}, or a .safetensors file"
        )
    row: dict[str, Any] = known[name]
    if resize is not None:
        row["resize"] = resize
    if weights is not None:
        row["source"]["path"] = str(weights)
    network = FetchedEvaluator.parse(row, f"--evaluator {name}")
    facts = network.model_dump_json(exclude={"source": {"path"}})
    place = _cache() / f"{name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}.safetensors"
    if not place.exists():
        try:
            save_fetched(place, name, network, f"--evaluator {name}")
        except InputError as error:
            advice = "" if weights else "; --weights takes a local copy of the file"
            raise InputError(f"{error}{advice}") from None
    return load_evaluator(place)


def _cache() -> Path:
    """Where fetched evaluators are kept: `GFMN_CACHE`, or the user's folder for such things."""
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("GFMN_CACHE") or f"{user}/gfmn").expanduser() / "evaluators"


def _source(path: str, size: int, side: str) -> sources.ImageSource:
    """The data set's parameters that a path stands for."""
    place = Path(path).expanduser()
    if place.suffix == ".npy":
        kind = "npy"
    elif place.suffix == ".parquet" or (place.is_dir() and any(place.glob("*.parquet"))):
        kind = "parquet"
    elif place.is_dir():
        kind = "folder"
    else:
        found = "another file" if place.exists() else "nothing"
        expected = "a folder of pictures, an .npy array or parquet files"
        raise InputError(f"{side}: {path}: expected {expected}, found {found}")
    row = {"source": kind, "path": path, "image_size": size}
    config = sources.parse(row | ({"label": None} if kind == "parquet" else {}), side)
    assert isinstance(config, sources.ImageSource)
    return config


def _common_size(sides: Mapping[str, str]) -> int:
    """The side of all pictures in px; `InputError` unless they are square and of one size."""
    first: tuple[str, tuple[int, int]] | None = None
    for side, path in sides.items():
        config = _source(path, SMALLEST, side)
        for item in config.open(side).items:
            try:
                here = (f"{side} {item.name}", size_of(item.raw))
            except BrokenImageError as error:
                raise InputError(
                    f"{side}: {item.name}: expected a picture, found: {error}"
                ) from None
            first = first or here
            if here[1] != first[1] or here[1][0] != here[1][1]:
                both = dict.fromkeys((first, here))
                found = " and ".join(f"{w} x {h} ({name})" for name, (w, h) in both)
                raise InputError(f"expected square pictures of one size, or --size, found {found}")
    assert first is not None
    return first[1][0]


def _prepared(path: str, size: int, side: str, folder: Path) -> PreparedDataset:
    sources.prepare(_source(path, size, side), side.lower(), folder, side)
    return prepared.read(folder)


def _text(found: Evaluation, facts: Mapping[str, Any]) -> str:
    width = max(map(len, found.scores))
    lines = []
    for name, score in found.scores.items():
        spread = "" if score.std is None else f" ± {score.std:.3g}"
        lines.append(f"{name:{width}}  {score.value:.5g}{spread}  {score.over or ''}".rstrip())
    images = f"{facts['n_generated']:,} images against {facts['n_reference']:,} real ones"
    looks = f"{facts['evaluator']} ({facts['architecture']}, resize: {facts['resizer']})"
    lines.append(f"{images}, {facts['image_size']} px, in the space of {looks}")
    return "\n".join([*lines, f"sha256 of the evaluator: {facts['evaluator_digest']}"])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
