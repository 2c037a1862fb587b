"""Why a run was not trained or not scored: which of its inputs are not there.

Files are looked for, not opened, in the order in which the pipeline makes them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfmn.common import paths
from gfmn.reporting.networks import entry


@dataclass(frozen=True)
class StudyInputs:
    """The inputs of training and scoring in a study's folder.

    `extractors` and `evaluators` are sections of the parameter file, entries by kind and name: they
    tell what an extractor is made of. Without them a missing combined extractor is named, not the
    network that it lacks.
    """

    folder: Path
    extractors: Mapping[str, Any]
    evaluators: Mapping[str, Any]

    def missing_for_training(self, run: Mapping[str, Any]) -> tuple[str, ...]:
        """What a run of these parameters still needs; empty where it could be trained."""
        dataset, extractor, mode = (run.get(key) for key in ("dataset", "extractor", "batchnorm"))
        missing = [*self._dataset(dataset), *self._extractor(extractor)]
        if not missing:
            if mode:
                path = paths.statistics(str(dataset), str(extractor), mode)
                missing += self._file(path, f"statistics {path.stem} are")
            if decoder := run.get("decoder"):
                missing += self._file(paths.decoder(str(decoder)), f"decoder {decoder} is")
        return tuple(dict.fromkeys(missing))

    def missing_for_scores(self, dataset: str, evaluator: str, sampled: bool) -> tuple[str, ...]:
        """What an evaluation of a trained run still needs; empty where it could be made."""
        missing = [] if sampled else ["samples are not there"]
        missing += [*self._dataset(dataset), *self._evaluator(evaluator)]
        reference = paths.reference(dataset, evaluator)
        return tuple(missing or self._file(reference, f"reference {reference.name} is"))

    def _dataset(self, name: Any) -> list[str]:
        prepared = (self.folder / paths.prepared(str(name)) / "meta.json").exists()
        return [] if prepared else [f"data set {name} is not prepared"]

    def _extractor(self, name: Any) -> list[str]:
        missing = self._file(paths.extractor(str(name)), f"extractor {name} is") if name else []
        if missing and (combined := entry(self.extractors, "combined", name)):
            networks = combined.get("networks", [])
            return [reason for part in networks for reason in self._extractor(part)] or missing
        if missing and (trained := entry(self.extractors, "trained", name)):
            return _because(missing, self._dataset(trained.get("dataset")))
        if missing and (fitted := entry(self.extractors, "with_batchnorm", name)):
            reasons = self._dataset(fitted.get("dataset"))
            return _because(missing, reasons or self._extractor(fitted.get("extractor")))
        return missing

    def _evaluator(self, name: str) -> list[str]:
        missing = self._file(paths.evaluator(name), f"evaluator {name} is")
        source = entry(self.evaluators, "from_extractor", name)
        return _because(missing, self._extractor(source.get("extractor")) if source else [])

    def _file(self, path: Path, name: str) -> list[str]:
        return [] if (self.folder / path).exists() else [f"{name} not there"]


def _because(missing: list[str], reasons: list[str]) -> list[str]:
    return [f"{text}, for {reasons[0]}" for text in missing] if reasons else missing
