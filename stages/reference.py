"""reference@<dataset>-<evaluator>: real images in a feature space, and real against real images."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.datasets import prepared
from gfmn.metrics import reference
from gfmn.metrics.config import MetricsConfig, ReferenceConfig
from gfmn.metrics.evaluation import describe_real, real_against_real
from gfmn.metrics.evaluator import load_evaluator
from gfmn.metrics.scores import means


def main(name: str) -> None:
    config = ReferenceConfig.parse(*stage.section("references", name))
    metrics = MetricsConfig.parse(*stage.section("metrics"))
    data = prepared.read(paths.prepared(config.dataset))
    alone = config.held_out == config.dataset
    held_out = None if alone else prepared.read(paths.prepared(config.held_out))
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    folder = paths.reference(config.dataset, config.evaluator)
    described = describe_real(data, held_out, evaluator, metrics, folder)
    reference.save(described[0], folder)
    with stage.temporary_folder(paths.scratch()) as spool:
        evaluation, n_real, n_reference = real_against_real(
            data, held_out, described, evaluator, metrics, spool
        )
    (folder / "logits.npy").unlink(missing_ok=True)  # no score asks for them again
    record = {
        **described[0].about,
        "run": None,
        "n_real": n_real,
        "n_reference": n_reference,
        "held_out": {
            "dataset": config.held_out,
            "count": n_real,
            "how": "the other half" if alone else "a data set held out",
        },
        "seeds": [{"seed": None, **evaluation.to_json()}],
    }
    stage.write_json(paths.scores(f"reference-{name}"), record)
    summary = means([evaluation.scores])
    stage.write_json(paths.metrics(f"reference-{name}"), summary)
    print(f"{name}: {summary}")


if __name__ == "__main__":
    stage.run(main)
