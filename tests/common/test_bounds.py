"""Every number of the parameters is bounded where it is declared, and checked before a run."""

import copy
import importlib
import math
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from builders.input_errors import line
from builders.project import parameters

import gfmn
from gfmn.common.config import Config, shown
from gfmn.common.errors import InputError
from gfmn.study import check

BAD = (math.nan, math.inf, -math.inf, -1, 0, 2**32, 2**64, 10**12, 10**30, 10**400)
WRONG = ("", "x", "1", [], {}, None, True)
OTHERS = ("reporting.records", "reporting.reading")
SOURCE = {"kind": "file", "path": "x", "sha256": "0" * 64, "license": "MIT"}
GIVEN = {"source": {"FetchedNetwork": SOURCE, "FetchedEvaluator": SOURCE}}  # required, of a class
NETWORKS = {"extractor": "a", "decoder": "a"}  # which a method that encodes needs


def classes() -> list[type[Config]]:
    """The classes of parameters: all of the package that are not what one of its files holds."""
    for module in pkgutil.walk_packages(gfmn.__path__, "gfmn."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, new = set(), [Config]
    while new:
        subclasses = new.pop().__subclasses__()
        found |= set(subclasses)
        new += subclasses
    others = tuple(f"gfmn.{name}" for name in OTHERS)
    headers = ("NetworkHeader", "Header", "GeneratorConfig")
    own = [
        cls
        for cls in found
        if cls.__module__.startswith("gfmn.") and not cls.__module__.startswith(others)
    ]
    return sorted((c for c in own if c.__name__ not in headers), key=str)


def numbers(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The JSON schemas of the numbers that a value may be or have in it, but for other groups."""
    if schema.get("type") in ("integer", "number"):
        yield schema
    inner = [schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())]
    for one in (*inner, *schema.get("prefixItems", ())):
        if isinstance(one, Mapping):
            yield from numbers(one)


def fields() -> Iterator[tuple[type[Config], str, Mapping[str, Any]]]:
    """Class, key and schema of every field that is a number or has numbers in it."""
    for cls in classes():
        for key, schema in cls.model_json_schema()["properties"].items():
            if list(numbers(schema)):
                yield cls, key, schema


def within(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a number lies within a schema's bounds."""
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    strictly = (above is None or value > above) and (below is None or value < below)
    return math.isfinite(value) and least <= value <= most and strictly


def test_every_number_has_two_finite_bounds() -> None:
    found = list(fields())
    assert len(found) > 100
    for cls, key, schema in found:
        for number in numbers(schema):
            low = number.get("minimum", number.get("exclusiveMinimum", -math.inf))
            high = number.get("maximum", number.get("exclusiveMaximum", math.inf))
            assert math.isfinite(low) and math.isfinite(high), f"{cls.__name__}.{key}: {number}"


def test_every_value_is_refused_in_one_line_or_lies_within_the_bounds() -> None:
    for cls, key, schema in fields():
        if cls.__abstractmethods__:
            continue
        required, text = _required(cls), str(schema)
        lists = [[one] for one in BAD] if "array" in text else []
        mappings = [{"x": one} for one in BAD] if "object" in text else []
        for bad in (*BAD, *WRONG, *lists, *mappings):
            try:
                config = cls.parse({**required, key: bad}, "x")
            except InputError as error:
                assert "\n" not in str(error) and len(str(error)) < 1000
                assert str(error).startswith(f"x.{key}") or cls.__name__ in str(error), error
                continue
            name = next(n for n, f in cls.model_fields.items() if (f.alias or n) == key)
            accepted = getattr(config, name)
            parts = accepted.values() if isinstance(accepted, Mapping) else accepted
            for one in parts if isinstance(parts, tuple) or parts is not accepted else [accepted]:
                if isinstance(one, int | float) and not isinstance(one, bool):
                    assert any(within(one, number) for number in numbers(schema)), (cls, key, bad)
                else:
                    assert bad in WRONG, (cls, key, bad)


def _required(cls: type[Config]) -> dict[str, Any]:
    """Values for the fields that have no default."""
    schema = cls.model_json_schema()
    simple = {"string": "any", "integer": 2, "number": 0.5, "array": ["a", "b"], "object": {}}
    found: dict[str, Any] = dict(NETWORKS) if getattr(cls, "encodes", False) else {}
    for key in schema.get("required", ()):
        kind = schema["properties"][key]
        given = GIVEN.get(key, {}).get(cls.__name__)
        choices = [kind["const"]] if "const" in kind else kind.get("enum")
        found[key] = given or (choices or [simple.get(kind.get("type"))])[0]
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metrics.counts", [-50]),
        ("metrics.counts", [0]),
        ("metrics.counts", [1]),
        ("metrics.counts", [5000, 5000]),
        ("metrics.manifold", {"k": 3, "count": 3}),
        ("metrics.seed", 2**32),
        ("metrics.infinity.points", 10**6),
        ("metrics.kernel.size", 10**9),
        ("runs.vgg16.seeds", [2**64]),
        ("runs.vgg16.lr", math.inf),
        ("runs.vgg16.weights", {"vgg16_bn": 0.0}),
        ("runs.vgg16.weights", {"vgg16_bn": math.nan}),
        ("runs.vgg16.batch", 10**12),
        ("runs.vgg16.latent", 10**9),
        ("runs.vgg16.steps", 10**12),
        ("runs.vgg16.taps", 10**30),
        ("datasets.photos.image_size", 10**6),
        ("datasets.photos.count", 10**18),
        ("sampling.count", 10**18),
        ("sampling.truncation", math.inf),
        ("statistics.photos-vgg16-eval.batch", 10**12),
        ("statistics.photos-vgg16-eval.copies", {"shift": 32}),
        ("statistics.photos-vgg16-eval.landmarks", {"bandwidths": [0.0]}),
        ("evaluators.fetched.lite2.resize", 10**6),
        ("extractors.trained.encoder.latent", 10**12),
    ],
)
def test_a_studys_check_refuses_a_number_out_of_bounds(path: str, value: Any) -> None:
    params = copy.deepcopy(parameters())
    *groups, key = path.split(".")
    inner = params
    for group in groups:
        inner = inner[group]
    inner[key] = value
    assert line(check, params, "params.yaml").startswith(f"params.yaml: {groups[0]}")


def test_a_huge_value_is_shown_in_one_short_line() -> None:
    assert shown(1 << 60000) == "a number of 60001 bits"
    assert len(shown("x" * 10**6)) < 400 and shown((1, 2)) == "[1, 2]"
