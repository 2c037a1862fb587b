# For type checkers: __init__.py imports these when they are first used.
from gfmn.inference.generator import TrainedGenerator as TrainedGenerator
from gfmn.inference.generator import load as load
from gfmn.inference.torch_metrics import FrechetDistance as FrechetDistance
from gfmn.inference.torch_metrics import KernelDistance as KernelDistance
from gfmn.inference.torch_metrics import PrecisionRecall as PrecisionRecall
from gfmn.library import Update as Update
from gfmn.library import fit as fit
from gfmn.library import images as images
from gfmn.library import network as network
from gfmn.library import save_reference as save_reference
from gfmn.library import score as score
from gfmn.library import statistics as statistics

__all__ = [
    "TrainedGenerator",
    "Update",
    "fit",
    "images",
    "load",
    "network",
    "save_reference",
    "score",
    "statistics",
]
