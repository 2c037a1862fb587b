"""Why a run was not trained or not scored: which of its inputs is not there.

Files are looked for, not opened, in the order in which the pipeline makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Inputs:
    """What the stages of a study's folder have left for training and for scores.

    `extractors` and `evaluators` are sections of the parameter file, entries by kind and name: they
    tell what an extractor is made of. Without them a missing bundle is named, and not its part.
    """

    folder: Path
    extractors: Mapping[str, Any]
    evaluators: Mapping[str, Any]

    def of_training(self, run: Mapping[str, Any]) -> tuple[str, ...]:
        """What a run of these parameters still needs; nothing where it could be trained."""
        dataset, extractor, mode = (run.get(key) for key in ("dataset", "extractor", "batchnorm"))
        missing = [*self._dataset(dataset), *self._extractor(extractor)]
        if not missing:
            measured = f"{dataset}-{extractor}-{mode}" if mode else None
            missing = self._file("stats", measured, "statistics {} are")
            missing += self._file("decoders", run.get("decoder"), "decoder {} is")
        return tuple(dict.fromkeys(missing))

    def of_scores(self, dataset: str, evaluator: str, sampled: bool) -> tuple[str, ...]:
        """What an evaluation of a trained run still needs; nothing where it could be made."""
        missing = [] if sampled else ["samples are not there"]
        missing += [*self._dataset(dataset), *self._evaluator(evaluator)]
        if missing or (self.folder / f"data/reference/{dataset}-{evaluator}").exists():
            return tuple(missing)
        return (f"reference {dataset}-{evaluator} is not there",)

    def _dataset(self, name: Any) -> list[str]:
        there = (self.folder / f"data/prepared/{name}/meta.json").exists()
        return [] if there else [f"data set {name} is not prepared"]

    def _extractor(self, name: Any) -> list[str]:
        absent = self._file("extractors", name, "extractor {} is")
        if absent and (bundle := _entry(self.extractors, "bundled", name)):
            parts = (self._extractor(bundle.get(part)) for part in ("first", "second"))
            return [reason for part in parts for reason in part] or absent
        if absent and (trained := _entry(self.extractors, "trained", name)):
            return _because(absent, self._dataset(trained.get("dataset")))
        return absent

    def _evaluator(self, name: str) -> list[str]:
        absent = self._file("evaluators", name, "evaluator {} is")
        borrowed = _entry(self.evaluators, "borrowed", name)
        return _because(absent, self._extractor(borrowed.get("extractor")) if borrowed else [])

    def _file(self, kind: str, name: Any, words: str) -> list[str]:
        """One file of tensors; a parameter that names none asks for none."""
        there = name is None or (self.folder / f"data/{kind}/{name}.safetensors").exists()
        return [] if there else [f"{words.format(name)} not there"]


def _entry(section: Mapping[str, Any], kind: str, name: Any) -> Mapping[str, Any]:
    entries = section.get(kind)
    entry = entries.get(name) if isinstance(entries, Mapping) else None
    return entry if isinstance(entry, Mapping) else {}


def _because(absent: list[str], reasons: list[str]) -> list[str]:
    return [f"{what}, for {reasons[0]}" for what in absent] if reasons else absent
