"""Fetch a published classifier: `evaluators.<NAME>` -> data/evaluators/<NAME>.safetensors."""

import paths
import runner

from gfmn.converters import FetchedEvaluator, fetch_network
from gfmn.extractor_file import save_extractor, summary


def main(name: str) -> None:
    """Download, verify, convert, write."""
    data, where = runner.section("evaluators", name)
    record = fetch_network(name, FetchedEvaluator.parse(data, where), where)
    path = paths.evaluator(name)
    save_extractor(path, [record])
    print(summary(path))


if __name__ == "__main__":
    runner.run(main)
