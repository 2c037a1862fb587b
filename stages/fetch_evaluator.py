"""Fetch a published network: `evaluators.fetched.<NAME>` -> data/evaluators/<NAME>.safetensors."""

import paths
import runner

from gfmn.converters import FetchedEvaluator, save_fetched


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = runner.section("evaluators", "fetched", name)
    network = FetchedEvaluator.parse(data, where)
    print(save_fetched(paths.evaluator(name), name, network, where))


if __name__ == "__main__":
    runner.run(main)
