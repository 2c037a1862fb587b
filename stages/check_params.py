"""check-params: every parameter of the study is checked before any long computation.

`params.checked` never changes: every other stage waits for it and none runs again for it. In
`data/parameters` is what the runs, the samples and the scores depend on, each in a file of its own,
with the defaults filled in. The folders that the report reads are there from now on, so that it can
be made where no row could be.
"""

import json
import shutil
from pathlib import Path

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.generators import save_decoder
from gfmn.study import check

FOLDERS = (
    *(f"data/{name}" for name in ("models", "neighbors", "prepared", "samples", "scores")),
    *("data/timings", "reports/history", "reports/metrics"),
)


def main() -> None:
    study = check(stage.read_params(), str(stage.PARAMS))
    shutil.rmtree(paths.parameters("").parent, ignore_errors=True)  # runs that are no more
    for name, values in study.dependencies().items():
        # The report shows runs in the order of the file; to other stages the order is nothing.
        text = json.dumps(values, indent=2, sort_keys=name != "report")
        stage.write_text(paths.parameters(name), text + "\n")
    for path in (paths.decoder("none"), paths.extractor("none")):
        save_decoder(None, path)
    for folder in FOLDERS:
        Path(folder).mkdir(parents=True, exist_ok=True)
    stage.write_text(Path("data/params.checked"), "ok\n")


if __name__ == "__main__":
    stage.run(main)
