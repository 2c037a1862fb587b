"""An extractor of the study as an evaluator: data/extractors -> data/evaluators."""

import paths
import runner

from gfmn.converters import BorrowedEvaluator
from gfmn.evaluators import borrow
from gfmn.extractor_file import summary


def main(name: str) -> None:
    config = BorrowedEvaluator.parse(*runner.section("evaluators", "borrowed", name))
    out = paths.evaluator(name)
    borrow(paths.extractor(config.extractor), name, config.resize, out)
    print(summary(out))


if __name__ == "__main__":
    runner.run(main)
