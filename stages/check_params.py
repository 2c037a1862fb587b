"""check-params: every parameter of the study is checked before any long computation.

The outputs never change, so that a changed parameter reruns this stage and what it touches, and
nothing else. One of them is the decoder of a run that starts from none. The folders that the report
reads are there from now on, so that it can be made where no row could be.
"""

from pathlib import Path

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.generators import save_decoder
from gfmn.study import check

DATA = ("models", "neighbors", "prepared", "samples", "scores", "timings")
REPORTS = ("history", "metrics")


def main() -> None:
    check(stage.read_params(), str(stage.PARAMS))
    out = Path("data/params.checked")
    out.parent.mkdir(exist_ok=True)
    out.write_text("ok\n")
    save_decoder(None, paths.decoder("none"))
    for folder in [
        *(Path("data") / name for name in DATA),
        *(Path("reports") / n for n in REPORTS),
    ]:
        folder.mkdir(parents=True, exist_ok=True)


if __name__ == "__main__":
    stage.run(main)
