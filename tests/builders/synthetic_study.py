"""A study's parameters, and the files that its runs would have left, made up."""

import json
import math
import tempfile
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from gfmn.common.images import grid
from gfmn.reporting import figures, page
from gfmn.reporting.reading import read_study
from gfmn.reporting.results import ReportConfig, Study
from gfmn.reporting.style import LIGHT, Drawing
from gfmn.reporting.tables import Table, make_table

TAPS = (1, 3, 5, 7, 9, 11)
VGG = [f"conv{b}_{i}" for b, n in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)) for i in range(1, n + 1)]
CLASSES = ("cup", "cat", "temple", "moon", "face", "flower")
OWN = ("running", "vgg16", "encoder")  # runs that are also scored by a classifier trained here
ABSENT = "vgg16-own"  # the evaluation that was not made
REPORT = {
    "title": "Small tables on photographs",
    "headline": "running",
    "tables": {
        "table2": {
            "title": "Feature extractors",
            "paper": "table2",
            "rows": {
                "encoder": {"paper": 0},
                "vgg16": {"paper": 3},
                "vgg16_lite0": {"paper": 5},
                "running": {"beyond": True, "note": "moments kept as running averages"},
            },
        },
        "table3": {
            "title": "How many layers are matched",
            "paper": "table3",
            "rows": {f"taps{n}": {"paper": (n - 1) // 2} for n in TAPS} | {"vgg16": {"paper": 6}},
        },
        "figure4": {
            "title": "Moving averages and minibatches",
            "paper": None,
            "rows": {"ma64": {}, "ma256": {}, "encoder": {}, "ama256": {}},
        },
    },
}
FOLDERS = tempfile.TemporaryDirectory()
CONFIG = ReportConfig.parse(REPORT, "params.yaml: report")


class Made(NamedTuple):
    """A study, and what its report is made of."""

    study: Study
    tables: dict[str, Table]
    drawings: list[Drawing]
    text: str


class Reader(HTMLParser):
    """What a page asks for, what its score cells say, and its text by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: set[str] = set()
        self.ids: set[str] = set()
        self.scores: list[dict[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        for key in ("src", "srcset", "href", "action", "data", "poster"):
            self.asked += [found[key] or ""] if key in found else []
        if "data-score" in found:
            self.scores.append(found)

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []


def make(folder: Path, canonical: bool = False, drawn: bool = True) -> Made:
    """The report of a study's folder, its figures in one theme, or without them."""
    study = read_study(folder, CONFIG, **spaces(canonical))
    tables = {name: make_table(study, table) for name, table in CONFIG.tables.items()}
    drawings = figures.draw(study, tables, LIGHT) if drawn else []
    return Made(study, tables, drawings, page.render(study, tables, drawings, drawings))


@cache
def folder_of(canonical: bool) -> Path:
    """A whole study, made once for all tests; not to be changed."""
    folder = Path(FOLDERS.name) / ("canonical" if canonical else "study")
    write_study(folder, canonical=canonical)
    return folder


@cache
def finished(canonical: bool = False) -> Made:
    """The report of that study."""
    return make(folder_of(canonical), canonical)


def parameters() -> dict[str, dict[str, Any]]:
    base = {
        "dataset": "photos",
        "extractor": "vgg16",
        "taps": "all",
        "generator": "dcgan",
        "objective": "ama",
        "batch": 64,
        "steps": 1200,
        "seeds": [1],
        "latent": 100,
        "lr": 0.0002,
    }
    runs = {
        "encoder": {"extractor": "encoder"},
        "vgg16": {},
        "vgg16_lite0": {"extractor": "vgg16_lite0", "generator": "resnet"},
        "running": {"objective": "running", "lr": 0.0005, "seeds": [0, 1, 2]},
        **{f"taps{n}": {"taps": n, "seeds": [1, 4] if n == 3 else [1]} for n in TAPS},
        "ma64": {"extractor": "encoder", "objective": "ma"},
        "ma256": {"extractor": "encoder", "objective": "ma", "batch": 256},
        "ama256": {"extractor": "encoder", "batch": 256},
    }
    return {name: base | row for name, row in runs.items()}


def spaces(canonical: bool = False) -> dict[str, dict[str, Any]]:
    """The sections `runs`, `evaluations` and `references`, as `read_study` takes them."""
    main = "inception" if canonical else "lite2"
    pairs = [(run, main) for run in parameters()] + [(run, "own") for run in OWN]
    return {
        "runs": parameters(),
        "evaluations": {
            f"{run}-{evaluator}": {"run": run, "dataset": "photos", "evaluator": evaluator}
            for run, evaluator in pairs
        },
        "references": {
            f"photos-{evaluator}": {"dataset": "photos", "evaluator": evaluator, "held_out": None}
            for evaluator in (main, "own")
        },
    }


def tap_names(row: dict[str, Any]) -> list[str]:
    encoder, lite = [f"relu{i}" for i in range(1, 5)], [f"lite0.block{i}" for i in range(12)]
    names = {"encoder": encoder, "vgg16": VGG, "vgg16_lite0": [f"vgg16.{t}" for t in VGG] + lite}
    found = names[row["extractor"]]
    return found[: row["taps"]] if isinstance(row["taps"], int) else found


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def write_study(
    folder: Path, images: np.ndarray | None = None, grids: int = 3, canonical: bool = False
) -> None:
    """A study's files in `folder`, every run finished; `images` stand for real and generated."""
    draw = np.random.default_rng(0)
    if images is None:
        colours = draw.integers(0, 256, (160, 4, 4, 3), dtype=np.uint8)
        images = colours.repeat(8, 1).repeat(8, 2)
    real = folder / "data/prepared/photos"
    real.mkdir(parents=True)
    np.save(real / "images.npy", images)
    about = {"name": "photos", "count": len(images), "image_size": 32, "digest": "5e" * 32}
    write(real / "meta.json", about | {"source": "photographs"})
    write(folder / "data/timings/extract-stats-photos-vgg16.json", {"seconds": 31.5, "cpus": 2})
    sections = spaces(canonical)
    write_inputs(folder, sections)
    for name, of in sections["references"].items():
        held_out = {"dataset": "photos", "count": 5000, "how": "the other half"}
        facts = {"run": None, "n_real": 5000, "n_reference": 5001, "held_out": held_out}
        seed = {"seed": None, "scores": scores(of["evaluator"], 0.0, 0.0)}
        seed["scores"] |= {"accuracy_own_5k": {"value": 0.93}} if name == "photos-own" else {}
        record = space(of["evaluator"]) | {"dataset": "photos", "seeds": [seed]} | facts
        write(folder / f"data/scores/reference-{name}.json", record)
    for i, (name, row) in enumerate(parameters().items()):
        quality = 1 / math.sqrt(len(tap_names(row))) * (1.6 if row["objective"] == "ma" else 1)
        for seed in row["seeds"]:
            write_seed(
                folder, name, row, seed, quality, np.roll(images, 31 * i + 7 + seed, 0), grids
            )
        facts = {"seconds": 240.2, "cpus": 2, "steps_per_second": 5.1, "seeds": len(row["seeds"])}
        write(folder / f"data/timings/train-{name}.json", facts)
    for name, of in sections["evaluations"].items():
        if name != ABSENT:
            write_scores(folder, name, of, images)


def write_inputs(folder: Path, sections: dict[str, dict[str, Any]]) -> None:
    """What runs and evaluations need besides images, as files without content."""
    files = [f"extractors/{run['extractor']}" for run in sections["runs"].values()]
    files += [f"evaluators/{of['evaluator']}" for of in sections["references"].values()]
    for file in files:
        path = folder / f"data/{file}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in sections["references"]:
        (folder / f"data/reference/{name}").mkdir(parents=True)


def write_seed(
    folder: Path,
    name: str,
    row: dict[str, Any],
    seed: int,
    quality: float,
    made: np.ndarray,
    grids: int,
) -> None:
    draw = np.random.default_rng((seed, len(name)))
    taps, last, place = tap_names(row), row["steps"], f"{name}/seed-{seed}"
    write_model(folder / f"data/models/{place}/config.json", name, row, seed, quality)
    rows = []
    for step in range(0, last + 1, 25):
        noise = 1 + 0.04 * draw.standard_normal()
        loss = len(taps) * (0.02 * quality + math.exp(-step / 120) + 0.1 * math.exp(-step / 500))
        rows.append(f"{step}\t{step * row['batch']}\t{row['lr']}\t{loss * noise:.6f}\t0.5")
    history = folder / f"reports/history/{place}.tsv"
    history.parent.mkdir(parents=True, exist_ok=True)
    history.write_text("step\timages\tlr\tloss\tnorm\n" + "\n".join(rows) + "\n")
    folders = (folder / f"data/models/{place}/grids", folder / f"data/samples/{name}")
    for where in folders:
        where.mkdir(parents=True, exist_ok=True)
    for step in np.linspace(0, last, grids).astype(int):
        sharp = step / last * (1 - 0.4 * quality)
        noisy = sharp * made + (1 - sharp) * draw.normal(128, 40, made.shape)
        early = grid(noisy.clip(0, 255).astype(np.uint8)[:32], 8)
        Image.fromarray(early).save(folders[0] / f"step-{step:06d}.png")
    samples = grid(noisy.clip(0, 255).astype(np.uint8)[:128], 16)
    Image.fromarray(samples).save(folders[1] / f"seed-{seed}.png")


def write_model(path: Path, name: str, row: dict[str, Any], seed: int, quality: float) -> None:
    taps = tap_names(row)
    gaps = [
        {"tap": t, "mean_gap": 0.6 * quality / (1 + j / 9), "std_gap": 0.3 * quality + j / 90}
        for j, t in enumerate(taps)
    ]
    alone = {key: value for key, value in row.items() if key != "seeds"}
    model = {
        "run": name,
        "parameters": alone | {"seed": seed},
        "features": 61440 + 4096 * len(taps),
        "taps": [{"name": t, "shape": [64, 32, 32]} for t in taps],
        "generator_parameters": 3_806_915,
        "statistics": {
            "digest": "ab" * 32,
            "count": 160,
            "dataset": "photos",
            "extractor": row["extractor"],
        },
        "gaps": gaps,
        "precision": dict.fromkeys(row["extractor"].split("_"), "bf16"),
    }
    write(path, model)


def space(evaluator: str) -> dict[str, Any]:
    """What every file of scores says of its evaluator."""
    inception, own = evaluator == "inception", evaluator == "own"
    size = {"inception": 299, "own": 32}.get(evaluator, 64)
    return {
        "evaluator": evaluator,
        "evaluator_digest": {"inception": "1c", "own": "0e"}.get(evaluator, "cd") * 32,
        "architecture": "inception_fid" if inception else "classifier" if own else "lite2",
        "resizer": f"antialiased bilinear to {size} px",
        "canonical": inception,
        "in_domain": own,
        "settings": {"kernel": {"subsets": 100, "size": 1000}, "manifold": {"k": 3}},
    }


def scores(evaluator: str, quality: float, noise: float) -> dict[str, Any]:
    """One seed's scores: better where `quality` is small, other by `noise`."""
    fd, score, kd = ("fid", "is", "kid") if evaluator == "inception" else ("fd", "score", "kd")
    mid = "" if evaluator == "inception" else f"_{evaluator}"
    scale = {"own": 0.1, "inception": 0.2}.get(evaluator, 1)
    distance = scale * (20.13 + 460 * quality * (1 + noise))
    found: dict[str, Any] = {
        f"{fd}{mid}_5k": {"value": distance},
        f"{fd}{mid}_inf": {"value": 0.93 * distance, "over": "8 sizes from 2,500"},
        f"{score}{mid}_5k": {"value": 9.5 - 4 * quality, "std": 0.08, "over": "10 splits"},
        f"{kd}{mid}_5k": {
            "value": distance / 900,
            "std": 0.02,
            "over": "100 subsets of 1,000",
        },
        f"precision_{evaluator}_5k": {"value": 0.8 - 0.5 * quality + noise / 9, "over": "k = 3"},
        f"recall_{evaluator}_5k": {"value": 0.6 - 0.5 * quality, "over": "k = 3"},
    }
    if evaluator == "own":
        found |= {
            "confidence_own_5k": {"value": 0.95 - 0.3 * quality},
            "covered_own_5k": {"value": 1 - 0.4 * quality},
            "class_distance_own_5k": {"value": 0.02 + 0.5 * quality},
        }
    return found


def write_scores(folder: Path, name: str, of: dict[str, Any], images: np.ndarray) -> None:
    run, evaluator = of["run"], of["evaluator"]
    row = parameters()[run]
    quality = 1 / math.sqrt(len(tap_names(row))) * (1.6 if row["objective"] == "ma" else 1)
    seeds = []
    for i, seed in enumerate(row["seeds"]):
        noise = 0.08 * math.sin(7 * i + len(run))
        pixel, feature = 0.49 + noise / 2, 0.6 - quality / 2 + noise
        found = scores(evaluator, quality, noise) | {
            "memorised_pixel_1k": {"value": pixel, "over": "1,000 images and 1,000 held out"},
            f"memorised_{evaluator}_1k": {"value": feature},
        }
        shares = np.arange(1.0, 1.0 + len(CLASSES)) ** (2 * quality + noise)
        of_classes = {
            "names": list(CLASSES),
            "real": [1 / len(CLASSES)] * len(CLASSES),
            "generated": list(shares / shares.sum()),
        }
        seeds.append(
            {
                "seed": seed,
                "scores": found,
                **({"classes": of_classes} if evaluator == "own" else {}),
                "nearest": {
                    "pixel": distances(14 + 9 * (0.5 - pixel), "grey levels"),
                    "feature": distances(14 + 20 * (0.5 - feature), f"{evaluator} features"),
                },
            }
        )
        tiles = np.concatenate([images[:8] // 2 + 60, images[:24]])
        for kind in ("pixel", "feature"):
            path = folder / f"data/neighbors/{name}/seed-{seed}-{kind}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(grid(tiles, 8)).save(path)
    record = space(evaluator) | {
        "run": run,
        "dataset": of["dataset"],
        "n_generated": 5000,
        "n_reference": 10000,
        "sampling": {"seed": 0, "batchnorm": "running", "count": 5000},
        "seeds": seeds,
    }
    write(folder / f"data/scores/{name}.json", record)


def distances(middle: float, unit: str) -> dict[str, Any]:
    spread = 1 + 0.2 * np.arctanh(np.linspace(-0.98, 0.98, 101))
    generated, held_out = ((middle * spread).tolist() for middle in (middle, 14.0))
    return {"generated": generated, "held_out": held_out, "unit": unit}
