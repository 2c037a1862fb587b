"""reference@<dataset>-<evaluator>: the real images' Gaussian, and real against real images."""

import paths
import runner
import torch

from gfmn import prepared
from gfmn.evaluators import load_evaluator
from gfmn.metrics import reference
from gfmn.metrics.frechet import Gaussian


def main(name: str) -> None:
    config = reference.ReferenceConfig.parse(*runner.section("references", name))
    resize = runner.section("evaluators", config.evaluator, "resize")[0]
    data = prepared.read(paths.prepared(config.dataset))
    evaluator = load_evaluator(paths.evaluator(config.evaluator), resize)
    features, logits = evaluator.features_and_logits(data.images)
    about = {
        "dataset": config.dataset,
        "dataset_digest": data.meta["digest"],
        "evaluator": config.evaluator,
        "evaluator_digest": evaluator.digest,
        "resize": resize,
    }
    gaussian = Gaussian.fit(torch.from_numpy(features))
    reference.save(gaussian, about, paths.reference(config.dataset, config.evaluator))
    # Real against real: one half's distance to the other, as large as noise alone makes it.
    half = len(features) // 2
    other = Gaussian.fit(torch.from_numpy(features[half:]))
    scores = reference.scores(features[:half], logits[:half], other, config.evaluator)
    facts = {**about, "n_real": half, "n_reference": other.count, "scores": scores}
    runner.write_json(paths.metrics(f"reference-{name}"), facts)
    print(f"{name}: {scores}")


if __name__ == "__main__":
    runner.run(main)
