"""evaluate@<run>-<evaluator>: a run's samples, seed by seed, scored against real images."""

import shutil

import checkout  # noqa: F401
from PIL import Image

from gfmn.common import paths, stage
from gfmn.common.images import read_images
from gfmn.datasets import prepared
from gfmn.generators.sampling import SampleConfig
from gfmn.metrics import reference
from gfmn.metrics.config import EvaluationConfig, MetricsConfig
from gfmn.metrics.evaluation import compare, facts_of
from gfmn.metrics.evaluator import load_evaluator
from gfmn.metrics.scores import means


def main(name: str) -> None:
    config = EvaluationConfig.parse(*stage.section("evaluations", name))
    metrics = MetricsConfig.parse(*stage.section("metrics"))
    drawn = SampleConfig.parse(*stage.section("runs", config.run, "sample"))
    seeds, _ = stage.section("runs", config.run, "seeds")
    data = prepared.read(paths.prepared(config.dataset))
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    settings = metrics.model_dump(mode="json")
    expected = {"dataset_digest": data.metadata["digest"], "settings": settings}
    place = paths.reference(config.dataset, config.evaluator)
    real = reference.load(place, {**facts_of(evaluator), **expected})
    pictures = paths.neighbors(name)
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    by_seed, records = [], []
    for seed in seeds:
        images = read_images(paths.samples(config.run, seed))
        with stage.temporary_folder(paths.scratch()) as spool:
            found = compare(images, data, real, evaluator, metrics, spool)
        for space, picture in (found.pictures or {}).items():
            Image.fromarray(picture).save(pictures / f"seed-{seed}-{space}.png")
        by_seed.append(found.scores)
        records.append({"seed": seed, **found.to_json()})
    record = {
        **real.about,
        "run": config.run,
        "dataset": config.dataset,
        "n_generated": drawn.count,
        "n_reference": real.real.gaussian.count,
        "sampling": drawn.model_dump(mode="json"),
        "seeds": records,
    }
    stage.write_json(paths.scores(name), record)
    summary = means(by_seed)
    stage.write_json(paths.metrics(name), summary)
    print(f"{name}: {summary}")


if __name__ == "__main__":
    stage.run(main)
