"""Prepare a data set in shards: file by file, by several processes, resumed at a file."""

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from gfmn import sources
from gfmn.common import json_reader, stage
from gfmn.common.errors import InputError
from gfmn.common.progress import Progress
from gfmn.common.text import without_secrets
from gfmn.shards.dataset import SHARDS, folder_of, joint_digest
from gfmn.sources.decode_pool import MAX_NAMES, worker_pool
from gfmn.sources.files import on_disk, version

Job = tuple[str, Path]  # a file, and the folder of its shard


def prepare(
    config: sources.ShardedSource, name: str, folder: Path, scratch: Path, where: str | None = None
) -> dict[str, Any]:
    """Write the data set to `folder`, a shard of each file: the same parameters, the same bytes.

    `config.workers` processes prepare a file each; one of a URL is fetched to `scratch` and removed
    after it. Finished shards wait there, so that the same call resumes where one was stopped.
    `where` begins every error, an `InputError`. Returns the content of `meta.json`.
    """
    where = f"datasets.{name}" if where is None else where
    files = config.files(where)
    own = scratch / f"prepare-{name}"
    code = _code()
    jobs = [(file, own / _key(config, file, code, where)) for file in files]
    waiting = [job for job in jobs if not (job[1] / "meta.json").is_file()]
    title = f"prepare {name}"
    with stage.temporary_folder(own) as fetched, Progress(title, len(jobs), "shards") as progress:
        progress.skip(len(jobs) - len(waiting))
        for done in _prepared(config, name, waiting, fetched, where):
            progress.advance(done)
    found = [json_reader.read(place / "meta.json") for _, place in jobs]
    metadata = _joined(config, name, files, found, where)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").unlink(missing_ok=True)
    for number, (_, place) in enumerate(jobs):
        shutil.rmtree(folder_of(folder, number), ignore_errors=True)
        shutil.move(place, folder_of(folder, number))
    stage.write_json(folder / "meta.json", metadata)
    shutil.rmtree(own, ignore_errors=True)
    return metadata


def _key(config: sources.ShardedSource, file: str, code: str, where: str) -> str:
    """Changes when a shard has to be prepared anew: parameters, code, a file and its version."""
    facts = [sources.shared_parameters(config), code, file, version(file, where)]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _code() -> str:
    """What decodes images here."""
    digest = hashlib.sha256(PIL.__version__.encode())
    for path in sorted(Path(sources.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _prepared(
    config: sources.ShardedSource, name: str, jobs: Sequence[Job], fetched: Path, where: str
) -> Iterator[int]:
    """1 for each shard that is done."""
    work = partial(_prepare_one, config, name, fetched, where)
    if min(config.workers, len(jobs)) < 2:
        yield from map(work, jobs)
        return
    pool = worker_pool(min(config.workers, len(jobs)))
    try:
        for task in as_completed([pool.submit(work, job) for job in jobs]):
            yield task.result()
    except BaseException as error:
        for child in multiprocessing.active_children():  # else each finishes its file first
            child.terminate()
        if not isinstance(error, BrokenProcessPool):
            raise
        expected = f"expected {config.workers} processes that prepare shards, found one killed"
        raise InputError(f"{where}.workers: {expected}; where memory is short, use fewer") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_one(
    config: sources.ShardedSource, name: str, fetched: Path, where: str, job: Job
) -> int:
    file, folder = job
    place = fetched / folder.name  # names of files may be alike
    place.mkdir()
    with on_disk(file, place, where) as path:
        changes = {"path": str(path), "workers": 0, "shards": False}
        try:
            sources.prepare(config.model_copy(update=changes), name, folder, where, silent=True)
        except InputError as error:
            if str(error).startswith(where):
                raise
            raise InputError(f"{where}: {path.name}: {error}") from None
    return 1


def _joined(
    config: sources.ShardedSource,
    name: str,
    files: Sequence[str],
    found: Sequence[dict[str, Any]],
    where: str,
) -> dict[str, Any]:
    """The whole's `meta.json`; `InputError` for shards that do not go together."""
    names = [without_secrets(file).rpartition("/")[2] for file in files]
    rows: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for file, facts in zip(names, found, strict=True):
        for key in ("labels", "classes"):
            if facts[key] != found[0][key]:
                expected = f"expected {key} {found[0][key]!r:.200} as in {names[0]}"
                raise InputError(f"{where}: {file}: {expected}, found {facts[key]!r:.200}")
        if facts["count"] < 2:
            found_images = f"found {facts['count']}"
            raise InputError(f"{where}: {file}: expected at least 2 images, {found_images}")
        if (other := seen.setdefault(facts["digest"], file)) != file or len(seen) <= len(rows):
            raise InputError(f"{where}: {file}: expected other images than in {other}")
        rows.append({"name": file, "count": facts["count"], "digest": facts["digest"]})
    count = sum(row["count"] for row in rows)
    skipped = [one["skipped"] for one in found]
    return {
        "name": name,
        **sources.shared_parameters(config),
        "count": count,
        "labels": found[0]["labels"],
        "classes": found[0]["classes"],
        "skipped": {
            "count": sum(one["count"] for one in skipped),
            "names": [name for one in skipped for name in one["names"]][:MAX_NAMES],
        },
        "digest": joint_digest(row["digest"] for row in rows),
        **_moments(found),
        SHARDS: rows,
    }


def _moments(found: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Each channel's `mean` and `std` over all pixels, from those of shards of equal sides."""
    counts = [one["count"] for one in found]
    means, stds = (np.array([one[key] for one in found]) for key in ("mean", "std"))
    mean, second = (np.average(m, 0, counts) for m in (means, stds**2 + means**2))
    std = np.sqrt(np.maximum(second - mean**2, 0))
    return {"mean": mean.round(6).tolist(), "std": std.round(6).tolist()}
