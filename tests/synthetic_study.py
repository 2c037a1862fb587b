"""A study's parameters, and the files that its runs would have left, made up."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gfmn.images import grid

TAPS = (1, 3, 5, 7, 9, 11)
VGG = [f"conv{b}_{i}" for b, n in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)) for i in range(1, n + 1)]
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


def parameters() -> dict[str, dict[str, Any]]:
    base = {
        "dataset": "photos",
        "extractor": "vgg16",
        "taps": "all",
        "generator": "dcgan",
        "objective": "ama",
        "batch": 64,
        "steps": 1200,
        "seed": 1,
        "latent": 100,
        "lr": 0.0002,
        "evaluator": "lite2",
    }
    runs = {
        "encoder": {"extractor": "encoder"},
        "vgg16": {},
        "vgg16_lite0": {"extractor": "vgg16_lite0", "generator": "resnet"},
        "running": {"objective": "running", "lr": 0.0005},
        **{f"taps{n}": {"taps": n} for n in TAPS},
        "ma64": {"extractor": "encoder", "objective": "ma"},
        "ma256": {"extractor": "encoder", "objective": "ma", "batch": 256},
        "ama256": {"extractor": "encoder", "batch": 256},
    }
    return {name: base | row for name, row in runs.items()}


def tap_names(row: dict[str, Any]) -> list[str]:
    encoder, lite = [f"relu{i}" for i in range(1, 5)], [f"lite0.block{i}" for i in range(12)]
    names = {"encoder": encoder, "vgg16": VGG, "vgg16_lite0": [f"vgg16.{t}" for t in VGG] + lite}
    found = names[row["extractor"]]
    return found[: row["taps"]] if isinstance(row["taps"], int) else found


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def write_study(folder: Path, images: np.ndarray | None = None, grids: int = 3) -> None:
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
    facts = {"dataset": "photos", "evaluator": "lite2", "n_real": 5000, "n_reference": 5001}
    scores = {"fd_lite2_5k": 20.13, "score_lite2_5k": {"mean": 9.5, "std": 0.2}}
    write(folder / "reports/metrics/reference-photos-lite2.json", facts | {"scores": scores})
    write(folder / "data/timings/extract-stats-photos-vgg16.json", {"seconds": 31.5, "cpus": 2})
    for i, (name, row) in enumerate(parameters().items()):
        taps = tap_names(row)
        quality = 1 / math.sqrt(len(taps)) * (1.6 if row["objective"] == "ma" else 1)
        write_run(folder, name, row, taps, quality)
        last, rows = row["steps"], []
        for step in range(0, last + 1, 25):
            noise = 1 + 0.04 * draw.standard_normal()
            loss = len(taps) * (
                0.02 * quality + math.exp(-step / 120) + 0.1 * math.exp(-step / 500)
            )
            rows.append(f"{step}\t{step * row['batch']}\t{row['lr']}\t{loss * noise:.6f}\t0.5")
        history = folder / f"reports/history/{name}.tsv"
        history.parent.mkdir(exist_ok=True)
        history.write_text("step\timages\tlr\tloss\tnorm\n" + "\n".join(rows) + "\n")
        made = np.roll(images, 31 * i + 7, axis=0).astype(float)
        folders = (folder / f"data/models/{name}/grids", folder / "data/samples")
        for place in folders:
            place.mkdir(parents=True, exist_ok=True)
        for step in np.linspace(0, last, grids).astype(int):
            sharp = step / last * (1 - 0.4 * quality)
            noisy = sharp * made + (1 - sharp) * draw.normal(128, 40, made.shape)
            early = grid(noisy.clip(0, 255).astype(np.uint8)[:32], 8)
            Image.fromarray(early).save(folders[0] / f"step-{step:06d}.png")
        Image.fromarray(grid(noisy.clip(0, 255).astype(np.uint8)[:128], 16)).save(
            folders[1] / f"{name}.png"
        )


def write_run(
    folder: Path, name: str, row: dict[str, Any], taps: list[str], quality: float
) -> None:
    gaps = [
        {"tap": t, "mean_gap": 0.6 * quality / (1 + j / 9), "std_gap": 0.3 * quality + j / 90}
        for j, t in enumerate(taps)
    ]
    model = {
        "run": name,
        "parameters": row,
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
    write(folder / f"data/models/{name}/config.json", model)
    scores = {
        "fd_lite2_5k": 60 + 420 * quality,
        "score_lite2_5k": {"mean": 6 - 4 * quality, "std": 0.08},
    }
    metrics = {
        "run": name,
        "evaluator": "lite2",
        "evaluator_digest": "cd" * 32,
        "n_generated": 5000,
        "n_reference": 10000,
        "resize": 64,
        "seed": 1,
        "scores": scores,
    }
    write(folder / f"reports/metrics/{name}.json", metrics)
    facts = {"seconds": 240.2, "cpus": 2, "steps_per_second": 5.1}
    write(folder / f"data/timings/train-{name}.json", facts)
