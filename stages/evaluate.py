"""evaluate@<run>: a run's samples scored against the real images' reference."""

import paths
import runner

from gfmn.evaluators import load_evaluator
from gfmn.images import read_images
from gfmn.metrics import reference


def main(name: str) -> None:
    fields = ("dataset", "evaluator", "sample")
    dataset, evaluator_name, drawn = (runner.section("runs", name, field)[0] for field in fields)
    resize = runner.section("evaluators", evaluator_name, "resize")[0]
    images = read_images(paths.samples(name))
    evaluator = load_evaluator(paths.evaluator(evaluator_name), resize)
    facts = {
        "dataset": dataset,
        "evaluator": evaluator_name,
        "evaluator_digest": evaluator.digest,
        "resize": resize,
    }
    real = reference.load(paths.reference(dataset, evaluator_name), facts)
    features, logits = evaluator.features_and_logits(images)
    scores = reference.scores(features, logits, real, evaluator_name)
    facts |= {"n_generated": len(images), "n_reference": real.count}
    facts |= {"run": name, "seed": drawn["seed"], "batchnorm": drawn["batchnorm"]}
    runner.write_json(paths.metrics(name), {**facts, "scores": scores})
    print(f"{name}: {scores}")


if __name__ == "__main__":
    runner.run(main)
