"""evaluate@<run>-<evaluator>: a run's samples, seed by seed, scored against real images."""

import shutil

import checkout  # noqa: F401
from PIL import Image

from gfmn.common import json_reader, paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.common.images import read_images
from gfmn.datasets import prepared
from gfmn.metrics import reference, score_file
from gfmn.metrics.config import EvaluationConfig, MetricsConfig
from gfmn.metrics.evaluation import EvaluationResult, compare
from gfmn.metrics.evaluator import load_evaluator
from gfmn.metrics.registry import means


def main(name: str) -> None:
    keep_freed_memory()
    config = EvaluationConfig.parse(*stage.section("evaluations", name))
    metrics = MetricsConfig.parse(*stage.optional_section("metrics"))
    sampling = json_reader.read(paths.parameters(f"sampling/{config.run}"))
    data = prepared.read(paths.prepared(config.dataset))
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    settings = metrics.model_dump(mode="json")
    expected = {"dataset_digest": data.metadata["digest"], "settings": settings}
    folder = paths.reference(config.dataset, config.evaluator)
    real = reference.load(folder, evaluator.facts(config.dataset) | expected)
    pictures = paths.neighbors(name)
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    results: dict[int | None, EvaluationResult] = {}
    for seed, path in paths.sample_files(config.run).items():
        images = read_images(path)
        with stage.temporary_folder(paths.scratch()) as temporary:
            result = compare(images, data, real, evaluator, metrics, temporary)
        for space, picture in (result.pictures or {}).items():
            Image.fromarray(picture).save(pictures / f"seed-{seed}-{space}.png")
        result.warn(f"{name} seed {seed}")
        results[seed] = result
    facts = {
        **real.facts,
        "run": config.run,
        "dataset": config.dataset,
        "n_generated": len(images),
        "n_reference": real.real.gaussian.count,
        "sampling": sampling,
    }
    score_file.write(paths.scores(name), facts, results)
    summary = means(result.scores for result in results.values())
    stage.write_json(paths.metrics(name), summary)
    print(f"{name}: {summary}")


if __name__ == "__main__":
    stage.run(main)
