"""Which checkpoint a run may resume from."""

import sys

import torch

from gfmn.common.errors import InputError
from gfmn.runtime.checkpoints import Checkpoint, code_digest, fingerprint
from gfmn.runtime.distributed import ALONE, World
from gfmn.training.outputs import Files
from gfmn.training.schedule import Schedule


def run_fingerprint(config: Schedule, statistics_digest: str, decoder_digest: str) -> str:
    """What must be equal for a checkpoint to be this run's: parameters, inputs and code.

    The number of steps counts only where the rate or the snapshots' steps depend on it; else a
    finished run of fewer steps is the beginning of a longer one.
    """
    parameters = config.effective()
    if config.lr_hold_fraction == 1 and not config.snapshots:
        del parameters["steps"]
    facts = {
        "parameters": parameters,
        "statistics": statistics_digest,
        "decoder": decoder_digest,
        "code": code_digest(),
        "torch": torch.__version__,
    }
    return fingerprint(facts)


def resume_point(config: Schedule, files: Files, world: World = ALONE) -> Checkpoint | None:
    """The newest usable checkpoint of the run, the same for all processes, or none.

    One of the last step is that of a finished run, with nothing left to train. The folder of
    checkpoints must be the same one for all processes.
    """
    checkpoints = files.checkpoints
    found = checkpoints.latest(config.steps) if world.is_main else None
    if found and found.step == config.steps and not found.metadata["finished"]:
        found = checkpoints.latest(config.steps - 1)  # that was in the middle of a longer run
    if found and not all(path.is_file() for path in files.kept(config, found.step)):
        expected = "expected its sample grids and snapshots beside it"
        print(f"{found.path}: {expected}; not used", file=sys.stderr)
        found = None
    step = torch.tensor(found.step if found else 0, device=world.device)
    world.broadcast_(step)
    if int(step) and not world.is_main:
        found = checkpoints.latest(int(step))
        if found is None or found.step != int(step):
            folder = checkpoints.folder
            raise InputError(f"{folder}: expected step {int(step)} here too, found none or another")
    return found
