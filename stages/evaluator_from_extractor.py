"""evaluator-from-extractor@<name>: an extractor of the study as an evaluator."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.networks.extractor_file import ExtractorEvaluator, save_as_evaluator, summary


def main(name: str) -> None:
    config = ExtractorEvaluator.parse(*stage.section("evaluators", "from_extractor", name))
    out = paths.evaluator(name)
    save_as_evaluator(paths.extractor(config.extractor), name, config.resize, out)
    print(summary(out))


if __name__ == "__main__":
    stage.run(main)
