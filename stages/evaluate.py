"""evaluate@<run>-<evaluator>: a run's samples, seed by seed, scored against real images."""

import shutil

import paths
import runner
from PIL import Image

from gfmn import prepared
from gfmn.evaluation import compare, facts_of
from gfmn.evaluators import load_evaluator
from gfmn.images import read_images
from gfmn.metrics import reference
from gfmn.metrics.config import EvaluationConfig, MetricsConfig
from gfmn.metrics.scores import means
from gfmn.sampling import SampleConfig


def main(name: str) -> None:
    config = EvaluationConfig.parse(*runner.section("evaluations", name))
    metrics = MetricsConfig.parse(*runner.section("metrics"))
    drawn = SampleConfig.parse(*runner.section("runs", config.run, "sample"))
    seeds, _ = runner.section("runs", config.run, "seeds")
    data = prepared.read(paths.prepared(config.dataset))
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    settings = metrics.model_dump(mode="json")
    expected = {"dataset_digest": data.meta["digest"], "settings": settings}
    place = paths.reference(config.dataset, config.evaluator)
    real = reference.load(place, {**facts_of(evaluator), **expected})
    pictures = paths.neighbours(name)
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir(parents=True)
    by_seed, records = [], []
    for seed in seeds:
        images = read_images(paths.samples(config.run, seed))
        with runner.spool(paths.scratch()) as spool:
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
    runner.write_json(paths.scores(name), record)
    summary = means(by_seed)
    runner.write_json(paths.metrics(name), summary)
    print(f"{name}: {summary}")


if __name__ == "__main__":
    runner.run(main)
