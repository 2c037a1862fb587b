"""check-params: every parameter of the study is checked before any long computation.

The output never changes, so that a changed parameter reruns this stage and what it touches, and
nothing else.
"""

from pathlib import Path

import runner

from gfmn.study import check


def main() -> None:
    check(runner.read_params(), str(runner.PARAMS))
    out = Path("data/params.checked")
    out.parent.mkdir(exist_ok=True)
    out.write_text("ok\n")


if __name__ == "__main__":
    runner.run(main)
