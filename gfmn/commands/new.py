"""`gfmn new`: a study of one's own images, of which params.yaml has the user's choices alone."""

import argparse
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gfmn import sources
from gfmn.common import parameters, runs
from gfmn.common.arguments import Number
from gfmn.common.bounds import SIDE
from gfmn.common.errors import InputError
from gfmn.generators import IMAGE_SIZES
from gfmn.inference.output import Result
from gfmn.metrics.published import published_evaluators
from gfmn.sources.paths import row_of
from gfmn.study import check
from gfmn.study.edit import row_text
from gfmn.study.pipeline import init_dvc, write_pipeline
from gfmn.study.profiles import published_networks, templates

PROFILES = ("fast", "good", "paper")
JUDGE = "lite2"  # the evaluator
HEADER = """\
# Written by `gfmn new`: what is not the user's choice. A run's row in params.yaml may say any of
# `defaults` otherwise; no other value may stand in both files.
"""
IGNORED = "/data/\n/reports/index.html\n"  # what DVC keeps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Make a study of your own images in a new folder."
    parser.add_argument("name", metavar="NAME", help="the new folder")
    parser.add_argument(
        "--images",
        required=True,
        metavar="IMAGES",
        help="a folder of images (folders in it are their classes), an .npy or a parquet file, "
        "or torchvision:CLASS",
    )
    parser.add_argument(
        "--size",
        type=Number(1, SIDE),
        default=32,
        choices=IMAGE_SIZES,
        help="pixels a side (default: %(default)s)",
    )
    parser.add_argument(
        "--network",
        default="vgg16",
        choices=sorted(published_networks()),
        help="whose features are matched (default: %(default)s)",
    )
    parser.add_argument(
        "--profile",
        default="fast",
        choices=PROFILES,
        help="fast: 1,500 updates; good: 6,000; paper: its objective (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> Result:
    """Write the study; returns what was found and what to do next."""
    folder, profile = Path(arguments.name), arguments.profile
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: expected a new folder, found one in use")
    row = row_of(arguments.images, "--images") | {"image_size": arguments.size}
    count, classes = _found(row)
    if "path" in row:
        row["path"] = os.path.relpath(Path(row["path"]).expanduser(), folder)
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _write(folder, arguments.network, profile, row)
    except BaseException:
        shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
    facts = {"study": str(folder), "images": count, "classes": list(classes), "run": profile}
    text = f"{folder}: {_describe(row, count, classes)}\nnext: cd {folder} && gfmn run"
    return Result(text, facts)


def _write(folder: Path, network: str, profile: str, row: Mapping[str, Any]) -> None:
    every = templates(network)
    chosen, settings = every["profiles"][profile], every["study"]
    settings["extractors"] = {"fetched": {network: every["networks"][network]}}
    settings["evaluators"] = {"fetched": {JUDGE: published_evaluators()[JUDGE]}}
    settings = runs.merged(settings, chosen["study"])
    inputs = {"dataset": "images", **chosen["run"], "decoder": "none"}
    evaluation = {"run": profile, "dataset": "images", "evaluator": JUDGE}
    lines = [
        f"# A study of one's own images. A run is `defaults` of {parameters.PROFILE} with what its",
        "# row says otherwise; `gfmn run --set lr=5e-3` sets a field of it, `gfmn add run NAME`",
        "# adds another one.",
        "datasets:",
        f"  images: {row_text(row)}",
        "",
        "runs:",
        f"  {profile}: {row_text(inputs)}",
        "",
        "evaluations:",
        f"  {profile}-{JUDGE}: {row_text(evaluation)}",
        "",
        f"report: {row_text({'title': folder.resolve().name, 'headline': profile})}",
    ]
    (folder / "params.yaml").write_text("\n".join(lines) + "\n")
    body = yaml.safe_dump(settings, sort_keys=False, width=100)
    (folder / parameters.PROFILE).write_text(HEADER + body)
    (folder / ".gitignore").write_text(IGNORED)
    write_pipeline(folder)
    check(parameters.read(folder / "params.yaml"), str(folder / "params.yaml"))
    init_dvc(folder)


def _found(row: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """How many images there are, None before a download, and their classes.

    A source that does not open is an `InputError`.
    """
    config = sources.parse(row, "--images")
    if row["source"] == "torchvision" or not isinstance(config, sources.ImageSource):
        return None, ()
    opened = config.open("--images")
    return opened.total, opened.classes or ()


def _describe(row: Mapping[str, Any], count: int | None, classes: Sequence[str]) -> str:
    if count is None:
        return f"images of {row['class']}, which the first run downloads"
    names = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
    return f"{count:,} images" + (f" of {len(classes)} classes ({names})" if classes else "")
