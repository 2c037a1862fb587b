"""Fetch a published network: `evaluators.fetched.<NAME>` -> data/evaluators/<NAME>.safetensors."""

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.weights.config import FetchedEvaluator
from gfmn.weights.convert import save_fetched


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = stage.section("evaluators", "fetched", name)
    network = FetchedEvaluator.parse(data, where)
    print(save_fetched(paths.evaluator(name), name, network, where))


if __name__ == "__main__":
    stage.run(main)
