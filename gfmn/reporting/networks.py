"""Which networks runs match and evaluators are, as the parameter file says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Networks:
    """The sections `extractors` and `evaluators`, entries by kind and name; both may be empty."""

    extractors: Mapping[str, Any] = field(default_factory=dict)
    evaluators: Mapping[str, Any] = field(default_factory=dict)

    def matched(self, run: Mapping[str, Any]) -> dict[str, Entry]:
        """The entries of the networks that a run of these parameters matches, by name.

        Those of weight 0 are left out, and so are those that no entry is known of.
        """
        weights = run.get("weights") or {}
        parts = self._parts(run.get("extractor"))
        return {name: part for name, part in parts.items() if weights.get(name, 1)}

    def is_trained_on(self, run: Mapping[str, Any], evaluator: str) -> bool:
        """Whether a run matches the evaluator's own network."""
        matched = self.matched(run)
        extractor = entry(self.evaluators, "from_extractor", evaluator).get("extractor")
        digest = _digest(entry(self.evaluators, "fetched", evaluator))
        same_file = digest is not None and digest in map(_digest, matched.values())
        return extractor in matched or same_file

    def related(self, run: Mapping[str, Any], evaluator: str, architecture: str) -> list[str]:
        """The networks that a run matches of the family of an evaluator that is none of them.

        Each as its name with its architecture. `architecture` is the evaluator's.
        """
        if self.is_trained_on(run, evaluator):
            return []
        architectures = {name: str(e.get("architecture")) for name, e in self.matched(run).items()}
        return [
            f"{name} ({other})"
            for name, other in architectures.items()
            if family(other) == family(architecture)
        ]

    def _parts(self, extractor: Any) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for name in entry(self.extractors, "combined", extractor).get("networks", []):
            found |= self._parts(name)
        single = entry(self.extractors, "fetched", extractor)
        single = single or entry(self.extractors, "trained", extractor)
        if base := entry(self.extractors, "with_batchnorm", extractor).get("extractor"):
            plain = self._parts(base).get(base, {})
            single = {**plain, "architecture": f"{plain.get('architecture')}_bn"}
        return found | ({str(extractor): single} if single else {})


def family(architecture: str) -> str:
    """What the architectures of one family begin with: `resnet` of `resnet18` and `timm:resnet50`.

    It is the name's first word, without the library before it.
    """
    name = architecture.rpartition(":")[2]
    word = re.match("[a-z]+", name)
    return word[0] if word else name


def entry(section: Mapping[str, Any], kind: str, name: Any) -> Entry:
    """An entry of a section by kind and name; empty where there is none."""
    entries = section.get(kind)
    found = entries.get(name) if isinstance(entries, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _digest(network: Entry) -> str | None:
    """The digest of the published file that a network's weights are from."""
    source = network.get("source")
    return source.get("sha256") if isinstance(source, Mapping) else None
