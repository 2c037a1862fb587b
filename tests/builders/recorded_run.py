"""A copy of the synthetic study's run of three seeds, for tests that change its files."""

import json
import shutil
from pathlib import Path
from typing import Any

from builders import synthetic_study
from builders.extractor_files import record
from builders.score_files import read_record, write_record

from gfmn.networks.extractor_file import file_digest, save_extractor

RUN = max(synthetic_study.OWN, key=lambda run: len(synthetic_study.parameters()[run]["seeds"]))
PARTS = ("prepared", "scores", "timings", f"models/{RUN}", f"samples/{RUN}")


def copied_study(folder: Path, canonical: bool = False) -> Path:
    """The study without the files of other runs; `canonical`: scored with FID's Inception."""
    source = synthetic_study.folder_of(canonical)
    for part in PARTS:
        shutil.copytree(source / "data" / part, folder / "data" / part)
    write_params(folder, canonical)
    return folder


def write_params(folder: Path, canonical: bool = False, **fields: Any) -> None:
    """The study's params.yaml, with other `fields` of the run."""
    sections = synthetic_study.spaces(canonical)
    sections["runs"][RUN] |= fields
    (folder / "params.yaml").write_text(json.dumps(sections))


def change(path: Path, **fields: Any) -> None:
    """Replace fields of a JSON file, or of a file of scores."""
    if path.suffix == ".parquet":
        write_record(path, read_record(path) | fields)
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def scores_path(folder: Path, evaluator: str) -> Path:
    return folder / f"data/scores/{RUN}-{evaluator}.parquet"


def real_scores_path(folder: Path, evaluator: str) -> Path:
    return folder / f"data/scores/reference-photos-{evaluator}.parquet"


def seed_scores(folder: Path, evaluator: str) -> list[dict[str, Any]]:
    """The entry of each seed in the file of an evaluator's scores."""
    return list(read_record(scores_path(folder, evaluator))["seeds"])


def values(folder: Path, evaluator: str, key: str) -> list[float]:
    """A score of each seed."""
    return [seed["scores"][key]["value"] for seed in seed_scores(folder, evaluator)]


def save_networks(folder: Path, *names: str, **provenance: Any) -> str:
    """Save the same small network as each of these files; returns the sha256 of the first."""
    paths = [folder / f"data/{name}.safetensors" for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        arguments = {"image_size": 32, "latent": 128}
        save_extractor(path, [record(path.stem, provenance=provenance, arguments=arguments)])
    return file_digest(paths[0])


def set_extractor_digest(folder: Path, digest: str) -> None:
    """Make the run one that was trained with the extractor of this sha256."""
    for path in (folder / f"data/models/{RUN}").glob("*/config.json"):
        statistics = json.loads(path.read_text())["statistics"]
        change(path, statistics=statistics | {"extractor_digest": digest})


def set_evaluator_digest(folder: Path, evaluator: str, digest: str) -> None:
    """Make the scores ones that were computed with the evaluator of this sha256."""
    for path in (scores_path(folder, evaluator), real_scores_path(folder, evaluator)):
        change(path, evaluator_digest=digest)
