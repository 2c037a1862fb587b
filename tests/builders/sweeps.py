"""A study to sweep over, in a repository of git and DVC; its stages take no time."""

import shutil
from pathlib import Path
from typing import Any

from builders.project import commit, done, git, parameters, write_parameters
from ruamel.yaml import YAML

STEPS = 4
PIPELINE = """\
stages:
  train:
    foreach: ${runs}
    do:
      cmd: python stage.py train ${key}
      params: ["runs.${key}"]
      deps: [stage.py]
      outs: ["data/models/${key}"]
  sample:
    foreach: ${runs}
    do:
      cmd: python stage.py sample ${key}
      deps: ["data/models/${key}"]
      outs: ["data/samples/${key}"]
  evaluate:
    foreach: ${evaluations}
    do:
      cmd: python stage.py evaluate ${key} ${item.run}
      deps: ["data/samples/${item.run}"]
      outs: [{"reports/metrics/${key}.json": {cache: false}}]
"""


def study() -> dict[str, Any]:
    """Parameters of a run `a` on digits, scored by `encoder`."""
    short = {"dataset": "digits", "steps": STEPS, "batch": 8}
    default = parameters()
    encoder = {**default["extractors"]["trained"]["encoder"], **short, "latent": 8}
    run = {**default["runs"]["encoder"], **short, "batchnorm": "eval", "lr": 1e-3, "seeds": [0]}
    return {
        "root": ".",
        "datasets": {"digits": {"source": "digits", "image_size": 32, "count": 20}},
        "extractors": {"trained": {"encoder": encoder}},
        "evaluators": {"from_extractor": {"encoder": {"extractor": "encoder", "resize": 32}}},
        "statistics": {"digits-encoder-eval": {"dataset": "digits", "extractor": "encoder"}},
        "references": {
            "digits-encoder": {"dataset": "digits", "evaluator": "encoder", "held_out": "digits"}
        },
        "runs": {"a": run},
        "evaluations": {"a-encoder": {"run": "a", "dataset": "digits", "evaluator": "encoder"}},
    }


def repository(folder: Path, remote: Path) -> Path:
    """The study, committed, with a folder as DVC's remote."""
    folder.mkdir(parents=True)
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / ".gitignore").write_text("/data/\n")
    shutil.copy(Path(__file__).with_name("sweep_stage.py"), folder / "stage.py")
    write_parameters(folder, study())
    git(folder, "init", "-q")
    git(folder, "config", "user.name", "Team")
    git(folder, "config", "user.email", "team@example.org")
    done(folder, "init", "-q")
    done(folder, "remote", "add", "-q", "--default", "team", str(remote))
    commit(folder, "A study")
    return folder


def results(study: Path, experiment: str) -> dict[str, Any]:
    """The digests of all files that an experiment's stages wrote, by path."""
    name = "--format=%(refname)"
    refs = git(study, "for-each-ref", name, "refs/exps").split()
    (ref,) = [ref for ref in refs if ref.endswith(f"/{experiment}")]
    lock = YAML(typ="safe").load(git(study, "show", f"{ref}:dvc.lock"))
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    return {out["path"]: out["md5"] for out in outs}
