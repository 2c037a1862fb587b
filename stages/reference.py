"""reference@<dataset>-<evaluator>: real images in a feature space, and real against real images."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.datasets import prepared
from gfmn.metrics import reference, score_file
from gfmn.metrics.config import MetricsConfig, ReferenceConfig
from gfmn.metrics.evaluation import describe_real, real_against_real
from gfmn.metrics.evaluator import load_evaluator
from gfmn.metrics.registry import means


def main(name: str) -> None:
    keep_freed_memory()
    config = ReferenceConfig.parse(*stage.section("references", name))
    metrics = MetricsConfig.parse(*stage.optional_section("metrics"))
    data = prepared.read(paths.prepared(config.dataset))
    alone = config.held_out == config.dataset
    held_out = None if alone else prepared.read(paths.prepared(config.held_out))
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    folder = paths.reference(config.dataset, config.evaluator)
    described = describe_real(data, held_out, evaluator, metrics, folder)
    reference.save(described[0], folder)
    with stage.temporary_folder(paths.scratch()) as temporary:
        result, n_real, n_reference = real_against_real(
            data, held_out, described, evaluator, metrics, temporary
        )
    (folder / "logits.npy").unlink(missing_ok=True)  # no score asks for them again
    facts = {
        **described[0].facts,
        "run": None,
        "n_real": n_real,
        "n_reference": n_reference,
        "held_out": {
            "dataset": config.held_out,
            "count": n_real,
            "how": "the other half" if alone else "a data set held out",
        },
    }
    score_file.write(paths.scores(f"reference-{name}"), facts, {None: result})
    result.warn(name)
    summary = means([result.scores])
    stage.write_json(paths.metrics(f"reference-{name}"), summary)
    print(f"{name}: {summary}")


if __name__ == "__main__":
    stage.run(main)
