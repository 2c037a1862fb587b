"""sample-baseline@<baseline>: images of each seed's generator, as of every run."""

import checkout  # noqa: F401
import sample

from gfmn.common import stage

if __name__ == "__main__":
    stage.run(sample.main)
