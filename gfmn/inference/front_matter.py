"""The YAML at the head of a model card, as hubs of models read it."""

import re
from typing import Any

import pandas as pd
import yaml

from gfmn.common.errors import InputError
from gfmn.inference.run_record import EvaluatorScores, RunRecord

PAPER = "arxiv:1904.02762"
TASK = "unconditional-image-generation"
SPDX = re.compile(r"[A-Za-z0-9.+-]+")


def front_matter(record: RunRecord, license: str) -> str:
    """The YAML text; raises `InputError` where `license` cannot be an SPDX identifier."""
    if not SPDX.fullmatch(license):
        raise InputError(f"license: expected an SPDX identifier, found {license!r}")
    return yaml.safe_dump(_fields(record, license), sort_keys=False, width=1000, allow_unicode=True)


def _fields(record: RunRecord, license: str) -> dict[str, Any]:
    """License, tags, data set, and the scores in the form of `model-index`."""
    generator = record.model.parameters.get("generator")
    architectures = [network.architecture for network in record.extractor]
    tags = ["gfmn", "feature-matching", "image-generation", generator, *architectures]
    results = [
        {
            "task": {"type": TASK, "name": "Image generation"},
            "dataset": {"type": one.scores.dataset, "name": one.scores.dataset},
            "metrics": [
                _metric(str(key), score, one) for key, score in one.scores.means_or_none.iterrows()
            ],
        }
        for one in record.evaluators
    ]
    index = [{"name": record.run.name, "results": results}]
    return {
        "license": license,
        "library_name": "gfmn",
        "pipeline_tag": TASK,
        "tags": [*dict.fromkeys(str(tag) for tag in tags if tag), PAPER],
        "datasets": [record.dataset_name],
        **({"model-index": index} if results else {}),
    }


def _metric(key: str, score: "pd.Series[Any]", evaluator: EvaluatorScores) -> dict[str, Any]:
    """A score, and all that is needed to compare it with another."""
    scores = evaluator.scores
    space = "" if "_pixel_" in key else f" in the space of {evaluator.space}"
    how = {"how": score["method"]} if score["method"] else {}
    spread = {"std": score["std"], "std_over": score["over"]} if score["std"] is not None else {}
    return {
        "type": score["kind"],
        "name": f"{key}: {score['title']}{space}",
        "value": score["value"],
        "args": {
            "evaluator": scores.evaluator,
            "evaluator_sha256": scores.evaluator_digest,
            "resizer": scores.resizer,
            "n_generated": score["count"] or scores.n,
            "n_reference": scores.n_reference,
            "seeds": [seed.seed for seed in scores.seeds],
            **how,
            **spread,
        },
    }
