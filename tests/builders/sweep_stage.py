"""A stage of the study that `sweeps.py` makes: nothing is trained.

A training counts its steps in a checkpoint of the scratch folder and notes each in a file there. It
waits after each while there is a file `slow`; a rate above 0.5 is an error.
"""

import hashlib
import json
import os
import sys
import time
from pathlib import Path

from ruamel.yaml import YAML


def train(run: str) -> None:
    row = YAML(typ="safe").load(Path("params.yaml").read_text())["runs"][run]
    scratch = Path(os.environ.get("GFMN_SCRATCH", "data/scratch"))
    text = json.dumps(row, sort_keys=True)
    checkpoint = scratch / hashlib.sha256(text.encode()).hexdigest()
    scratch.mkdir(parents=True, exist_ok=True)
    finished = int(checkpoint.read_text()) if checkpoint.exists() else 0
    if row["lr"] > 0.5:
        sys.exit("error: the loss is not finite")
    for step in range(finished, row["steps"]):
        with (scratch / "steps").open("a") as log:
            log.write(f"{row['lr']} {row['seeds'][0]} {step}\n")
        checkpoint.write_text(str(step + 1))
        while (scratch / "slow").exists():
            time.sleep(0.05)
    folder = Path("data/models") / run
    folder.mkdir(parents=True)
    (folder / "generator").write_text(text)


def sample(run: str) -> None:
    folder = Path("data/samples") / run
    folder.mkdir(parents=True)
    (folder / "seed").write_text((Path("data/models") / run / "generator").read_text())


def evaluate(name: str, run: str) -> None:
    row = json.loads((Path("data/samples") / run / "seed").read_text())
    path = Path("reports/metrics") / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"fd_encoder": 1000 * row["lr"] + row["seeds"][0]}))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
