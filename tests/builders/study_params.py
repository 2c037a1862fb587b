"""The default study's parameters."""

from pathlib import Path

from gfmn.common import stage

ROOT = Path(__file__).resolve().parents[2]


PARAMS = stage.read_params(ROOT / "params.yaml")
