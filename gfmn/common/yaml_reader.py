"""YAML 1.2 read with PyYAML: `1e-4` is a number, `yes` a string, a key stands once."""

import re
from typing import Any, ClassVar

import yaml

from gfmn.common.errors import InputError

MAX_BYTES = 2 << 20  # of a document
MAX_DIGITS = 100  # of an integer
MAX_DEPTH = 50  # mappings and sequences within one another
MAX_NODES = 1_000_000  # keys and values, once every alias is replaced by what it stands for

INT = r"[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)"
FLOAT = (
    r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.(inf|Inf|INF)"
    r"|\.(nan|NaN|NAN)"
)
# What DVC takes for a date, and then cannot write.
DATE = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*"
)


def load(content: str | bytes, where: str) -> Any:
    """One document as dicts, lists, strings, numbers, booleans and None.

    Raises `InputError`, which begins with `where`, for what is not YAML, a key given twice, a date,
    bytes or a set, more than `MAX_BYTES`, nesting deeper than `MAX_DEPTH`, and aliases that stand
    for themselves or for more than `MAX_NODES`.
    """
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES:,} bytes")
        _check_size(content)
        return yaml.load(content, Loader=_Loader)
    # A ValueError: bytes that are not UTF-8; a LookupError: `!!bool maybe`.
    except (ValueError, LookupError, TypeError, yaml.YAMLError) as error:
        raise InputError(f"{where}: expected YAML, found {' '.join(str(error).split())}") from None


# The same without libyaml, only slower.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """PyYAML's safe loader reads YAML 1.1; this one has the scalars of YAML 1.2, as DVC has."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def __init__(self, content: str | bytes) -> None:
        super().__init__(content)
        self.checked: set[yaml.MappingNode] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Replace `<<` by the keys that it merges in, after a look for keys given twice."""
        if node not in self.checked:  # else merged keys are there already
            self.checked.add(node)
            found = set()
            for key, _ in node.value:
                if (key.tag, str(key.value)) in found:
                    problem = f"the key {key.value!r} twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                found.add((key.tag, str(key.value)))
        super().flatten_mapping(node)


def _int(loader: Any, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node).replace("_", "")
    if len(text) > MAX_DIGITS:  # Python prints no larger ones
        raise ValueError(f"an integer of {len(text)} digits")
    prefix = text.lstrip("+-")[:2]
    return int(text, {"0b": 2, "0o": 8, "0x": 16}.get(prefix, 10))


def _float(loader: Any, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node).replace("_", "").lower()
    return float(re.sub(r"\.(inf|nan)$", r"\1", text))


def _date(loader: Any, node: yaml.ScalarNode) -> Any:
    problem = f"the date {node.value:.40}; as a text it stands in quotes"
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", INT, "-+0123456789"),
    ("float", FLOAT, "-+.0123456789"),
    ("merge", r"<<", "<"),
    ("timestamp", DATE, "0123456789"),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )
for _tag in ("binary", "omap", "pairs", "set"):  # which no parameter is, and JSON has not
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _SafeLoader.construct_undefined)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def _check_size(content: str | bytes) -> None:
    """Raise `YAMLError` for a document that would be too deep or too large once it is built."""
    sizes = [0]  # nodes so far, of the document and of each collection that is open
    anchors: list[str | None] = []  # of the open collections
    known: dict[str, int] = {}  # nodes of each anchor's value
    for event in yaml.parse(content, Loader=_SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.append(1)
            anchors.append(event.anchor)
            if len(sizes) > MAX_DEPTH:
                raise yaml.YAMLError(f"more than {MAX_DEPTH} levels, line {_line(event)}")
        elif isinstance(event, yaml.CollectionEndEvent):
            size, anchor = sizes.pop(), anchors.pop()
            sizes[-1] += size
            if anchor is not None:
                known[anchor] = size
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in known:
                raise yaml.YAMLError(f"no value yet for *{event.anchor}, line {_line(event)}")
            sizes[-1] += known[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            sizes[-1] += 1
            if event.anchor is not None:
                known[event.anchor] = 1
        if sizes[-1] > MAX_NODES:
            raise yaml.YAMLError(f"more than {MAX_NODES:,} values, line {_line(event)}")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
