"""The YAML at the head of a model card."""

import io
import re
from typing import Any

from ruamel.yaml import YAML

from gfmn.common.errors import InputError
from gfmn.inference.described import Described, ScoredSpace
from gfmn.reporting.score_means import ScoreMean, score_means

PAPER = "arxiv:1904.02762"
TASK = "unconditional-image-generation"
SPDX = re.compile(r"[A-Za-z0-9.+-]+")


def front_matter(of: Described, licence: str) -> str:
    """The facts as text; `InputError` where `licence` cannot be an SPDX identifier."""
    if not SPDX.fullmatch(licence):
        raise InputError(f"licence: expected an SPDX identifier, found {licence!r}")
    text = io.StringIO()
    writer: Any = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False
    writer.width, writer.allow_unicode = 1000, True
    writer.dump(facts(of, licence), text)
    return text.getvalue()


def facts(of: Described, licence: str) -> dict[str, Any]:
    """What a hub of models reads of a card: tags, data, scores in the form of `model-index`."""
    generator = of.model.parameters.get("generator")
    matched = [network.architecture for network in of.extractor]
    tags = ["gfmn", "feature-matching", "image-generation", generator, *matched]
    results = [
        {
            "task": {"type": TASK, "name": "Image generation"},
            "dataset": {"type": space.scores.dataset, "name": space.scores.dataset},
            "metrics": [_metric(key, one, space) for key, one in score_means(space.scores).items()],
        }
        for space in of.spaces
    ]
    index = [{"name": of.run.name, "results": results}]
    return {
        "license": licence,
        "library_name": "gfmn",
        "pipeline_tag": TASK,
        "tags": [*dict.fromkeys(str(tag) for tag in tags if tag), PAPER],
        "datasets": [of.dataset_name],
        **({"model-index": index} if results else {}),
    }


def _metric(key: str, one: ScoreMean, space: ScoredSpace) -> dict[str, Any]:
    """A score with all that its number means nothing without."""
    scores = space.scores
    spread = {"std": one.std, "std_over": one.over} if one.std is not None else {}
    how = {"how": one.method} if one.method else {}
    where = "" if "_pixel_" in key else f" in the space of {space.words}"
    return {
        "type": one.info.kind or key,
        "name": f"{key}: {one.info.title}{where}",
        "value": one.value,
        "args": {
            "evaluator": scores.evaluator,
            "evaluator_sha256": scores.evaluator_digest,
            "resizer": scores.resizer,
            "n_generated": one.info.count or scores.n,
            "n_reference": scores.n_reference,
            "seeds": [seed.seed for seed in scores.seeds],
            **how,
            **spread,
        },
    }
