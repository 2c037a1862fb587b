"""The reference of params.yaml: every class of parameters as a table of its fields.

Types, bounds and defaults are those of the class's JSON schema, what a field means is the comment
in its line or in those above it.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import takewhile
from textwrap import dedent
from typing import Any, get_args

from gfmn.baselines import METHODS, BaselineConfig
from gfmn.common.config import Config
from gfmn.features.statistics import StatisticsConfig
from gfmn.generators.sampling import SamplingConfig
from gfmn.metrics.config import EvaluationConfig, MetricsConfig, ReferenceConfig, SnapshotsConfig
from gfmn.networks.batchnorm_insertion import BatchNormInsertion
from gfmn.networks.extractor_file import CombinedExtractor, ExtractorEvaluator
from gfmn.pretraining import TASKS, PretrainingConfig
from gfmn.reporting.config import ReportConfig
from gfmn.sources.base import SOURCES, ImageSource, Source
from gfmn.training.config import TrainingConfig
from gfmn.weights.config import FetchedEvaluator, FetchedNetwork

MADE_HERE = ", ".join(name for name, cls in SOURCES.items() if not issubclass(cls, ImageSource))
READ: dict[str, type[Config]] = {f"all but {MADE_HERE}": ImageSource}
# A section's rows: a class; or the base class of several, the field that chooses, and all of them.
SECTIONS: dict[str, dict[str, type[Config] | tuple[type[Config], str, Mapping[str, type[Config]]]]]
SECTIONS = {
    "datasets": {"datasets.NAME": (Source, "source", READ | SOURCES)},
    "extractors": {
        "extractors.fetched.NAME": FetchedNetwork,
        "extractors.trained.NAME": (PretrainingConfig, "task", TASKS),
        "extractors.with_batchnorm.NAME": BatchNormInsertion,
        "extractors.combined.NAME": CombinedExtractor,
    },
    "evaluators": {
        "evaluators.fetched.NAME": FetchedEvaluator,
        "evaluators.from_extractor.NAME": ExtractorEvaluator,
    },
    "statistics": {"statistics.NAME": StatisticsConfig},
    "references": {"references.NAME": ReferenceConfig},
    "defaults and runs": {"runs.NAME": TrainingConfig},
    "baseline_defaults and baselines": {"baselines.NAME": (BaselineConfig, "method", METHODS)},
    "sampling": {"sampling": SamplingConfig},
    "metrics": {"metrics": MetricsConfig},
    "evaluations": {"evaluations.NAME": EvaluationConfig},
    "snapshots": {"snapshots.NAME": SnapshotsConfig},
    "report": {"report": ReportConfig},
}
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
TYPES = {"string": "text", "integer": "whole number", "boolean": "true or false"}
HEAD = "| field | value | default | meaning |\n|---|---|---|---|"
SPECIAL = re.compile(r"`[^`]*`|[<|]|\bNone\b")  # in a comment, for a cell of a table
WRITTEN = {"<": "&lt;", "|": "&#124;", "None": "null"}


def page() -> str:
    """Every section of params.yaml, as Markdown."""
    tables = Tables()
    parts = (part for title in SECTIONS for part in (f"## {title}", *tables.section(title)))
    return "\n\n".join(parts)


class Tables:
    """The page's tables; a class that is a part of several others is shown once."""

    def __init__(self) -> None:
        self.shown: set[type[Config]] = set()

    def section(self, title: str) -> Iterator[str]:
        """The tables of a section, with headings."""
        for path, entry in SECTIONS[title].items():
            if not isinstance(entry, tuple):
                yield from self.table(path, entry, list(entry.model_fields))
                continue
            base, key, classes = entry
            yield from self.table(path, base, list(base.model_fields))
            for name, cls in classes.items():
                own = inspect.get_annotations(cls)
                names = [name for name in cls.model_fields if name in own]
                yield from self.table(f"{path}, {key}: {name}", cls, names)

    def table(
        self, path: str, cls: type[Config], names: list[str], level: str = "###"
    ) -> Iterator[str]:
        """A class's heading, docstring and fields; then the classes of parameters in them."""
        self.shown.add(cls)
        groups = {name: tuple(_classes(cls.model_fields[name].annotation)) for name in names}
        names.sort(key=lambda name: bool(groups[name]))
        yield f"{level} `{path}` {{ #{_anchor(cls)} }}"
        yield inspect.getdoc(cls) or ""
        yield "\n".join((HEAD, *(_row(cls, name) for name in names)))
        for name in names:
            for part in groups[name]:
                if part not in self.shown:
                    alike = ", ".join(other for other in names if groups[other] == groups[name])
                    which = _kind(part) if len(groups[name]) > 1 else ""
                    yield from self.table(
                        f"{path}.{alike}{which}", part, list(part.model_fields), "####"
                    )


def _row(cls: type[Config], name: str) -> str:
    field, schema = cls.model_fields[name], cls.model_json_schema()
    key = field.alias or name
    value = described(schema["properties"][key])
    for part in _classes(field.annotation):
        value = value.replace("a group", f"[a group](#{_anchor(part)})", 1)
    default = field.get_default(call_default_factory=True)
    if field.is_required():
        written = "required"
    else:
        written = "its defaults" if isinstance(default, Config) else _code(default)
    return f"| `{key}` | {value} | {written} | {_cell(comments(cls).get(name, ''))} |"


def described(value: Mapping[str, Any]) -> str:
    """A value's JSON schema in words: its type, what it is one of, its bounds."""
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(map(described, value["anyOf"])))
    if "$ref" in value:
        return "a group"
    if "enum" in value or "const" in value:
        return ", ".join(map(_code, value.get("enum", [value.get("const")])))
    if value["type"] == "array":
        return f"list of {described(value.get('items') or value['prefixItems'][0])}"
    if value["type"] == "object":
        inner = [value.get("additionalProperties"), *value.get("patternProperties", {}).values()]
        known = [described(one) for one in inner if isinstance(one, dict)]
        return ", each ".join(("mapping", *known))
    limits = [f"{sign} {value[name]:.10g}" for name, sign in BOUNDS.items() if name in value]
    limits += [f"like `{value['pattern']}`"] if "pattern" in value else []
    return f"{TYPES.get(value['type'], value['type'])} {', '.join(limits)}".rstrip()


@cache
def comments(cls: type[Config]) -> dict[str, str]:
    """What the source says of each field: the comments above its line and in it."""
    found: dict[str, str] = {}
    for one in reversed(cls.__mro__):
        if not issubclass(one, Config) or one.__module__ == Config.__module__:
            continue
        try:
            text = dedent(inspect.getsource(one))
        except (OSError, TypeError):  # made by `create_model`
            continue
        lines = text.splitlines()
        (tree,) = ast.parse(text).body
        for node in tree.body if isinstance(tree, ast.ClassDef) else ():
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                earlier = reversed(lines[: node.lineno - 1])
                above = list(takewhile(lambda line: line.strip().startswith("#"), earlier))
                last = lines[(node.end_lineno or 0) - 1].encode()
                inline = last[node.end_col_offset :].decode()
                parts = [line.strip(" #") for line in (*reversed(above), inline)]
                found[node.target.id] = " ".join(filter(None, parts))
    return found


def _classes(annotation: Any) -> Iterator[type[Config]]:
    """The classes of parameters in a field's type."""
    if inspect.isclass(annotation) and issubclass(annotation, Config):
        yield annotation
    for inner in get_args(annotation):
        yield from _classes(inner)


def _kind(cls: type[Config]) -> str:
    """How a class is told from others in its place."""
    field = cls.model_json_schema()["properties"]["kind"]
    return f", kind: {' or '.join(field.get('enum') or [field['const']])}"


def _anchor(cls: type[Config]) -> str:
    return f"{cls.__module__}.{cls.__name__}"


def _code(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace('"', "")


def _cell(comment: str) -> str:
    comment = re.sub("a name in `[A-Z]+`", "says which of the tables below holds", comment)
    return SPECIAL.sub(lambda found: WRITTEN.get(found[0], found[0]), comment)
