"""Optional packages: a missing one is a line that names the extra that brings it."""

from collections.abc import Iterator
from contextlib import contextmanager

from gfmn.common.errors import InputError

EXTRAS = {  # extra: the modules that its packages have
    "hub": ("huggingface_hub",),
    "metrics": ("torchmetrics",),
    "pipeline": (
        "altair",
        "dvc",
        "gdown",
        "jinja2",
        "lmdb",
        "matplotlib",
        "pandas",
        "pyarrow",
        "ruamel",
        "scipy",
        "skimage",
        "sklearn",
        "timm",
        "torch_fidelity",
        "torchvision",
        "vl_convert",
    ),
    "sweep": ("optuna", "psutil", "submitit"),
}


@contextmanager
def optional_packages(purpose: str) -> Iterator[None]:
    """Around code, or above a function, that imports packages of an extra.

    Raises `InputError` where one of these is not installed; `purpose` is what it is needed for.
    Any other module that is missing is a defect, and its error passes.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = next((extra for extra, modules in EXTRAS.items() if package in modules), None)
        if extra is None:
            raise
        line = f"{package} is needed for {purpose}: pip install 'gfmn[{extra}]'"
        raise InputError(line) from None
