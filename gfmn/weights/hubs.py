"""The weights that torchvision and timm list for a model: where they are and who delivers them."""

import re
import shutil
from pathlib import Path
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.weights.config import TimmWeights, TorchvisionWeights
from gfmn.weights.downloads import download, file_name, reason
from gfmn.weights.hashes import copy_hint

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def model_name(kind: str, architecture: str, where: str) -> str:
    """The library's name of the model: the architecture's, less the library's prefix.

    Raises `InputError` where the architecture belongs to another library.
    """
    library, colon, model = architecture.rpartition(":")
    if colon and library != kind:
        raise InputError(
            f"{where}.kind: expected {library!r}, as in the architecture, or the kind of a file, "
            f"found {kind!r}"
        )
    return model


def torchvision_url(source: TorchvisionWeights, model: str, where: str) -> str:
    """The URL that torchvision lists; `InputError` for an unknown model, name or hash."""
    try:
        from torchvision import models
    except ImportError:
        raise _missing("torchvision", where) from None

    try:
        known = models.get_model_weights(model).__members__
    except ValueError:
        hint = suggest(model, models.list_models())
        raise InputError(f"{where}: torchvision has no model {model!r}; {hint}") from None
    if source.weights not in known:
        hint = suggest(source.weights, known)
        raise InputError(
            f"{where}.weights: torchvision has no {source.weights!r} for {model!r}; {hint}"
        )
    url = str(known[source.weights].url)
    named = re.search(r"-([0-9a-f]{8,64})\.", file_name(url))
    if named is not None:
        digits = min(len(named[1]), len(source.sha256))
        if named[1][:digits] != source.sha256[:digits]:
            raise InputError(
                f"{where}.sha256: expected {named[1][:digits]}..., as {url} says, "
                f"found {source.sha256!r}"
            )
    return url


def torchvision_normalization(source: TorchvisionWeights, model: str) -> dict[str, list[float]]:
    """The `mean` and `std` of the weights' own transform, where it is not ImageNet's usual one."""
    from torchvision import models

    transform = models.get_model_weights(model)[source.weights].transforms()
    found = {key: [float(value) for value in getattr(transform, key, ())] for key in IMAGENET}
    return found if all(found.values()) and found != IMAGENET else {}


def fetch_torchvision(source: TorchvisionWeights, model: str, folder: Path, where: str) -> bytes:
    """The file's bytes, verified; `folder` holds the file while it arrives."""
    url = torchvision_url(source, model, where)
    return download(url, source.sha256, folder, where)


def fetch_timm(source: TimmWeights, model: str, folder: Path, where: str) -> bytes:
    """The file's bytes, from the hub where it is there, yet to be verified; as above."""
    config = timm_config(model, where)
    if config.hf_hub_id:
        name = config.hf_hub_filename or "model.safetensors"
        return _from_hub(source, str(config.hf_hub_id), name, folder, where)
    if source.revision is not None:
        raise InputError(
            f"{where}.revision: expected nothing, since timm's {model} is not on the hub, "
            f"found {source.revision!r}"
        )
    if not config.url:
        raise InputError(f"{where}: timm lists no weights for {model!r}")
    return download(str(config.url), source.sha256, folder, where)


def timm_config(model: str, where: str) -> Any:
    """What timm says of a pretrained model; `InputError` for an unknown one."""
    try:
        import timm
    except ImportError:
        raise _missing("timm", where) from None

    try:
        config = timm.get_pretrained_cfg(model)
    except Exception:  # timm raises plain RuntimeErrors here
        config = None
    if config is None:
        hint = suggest(model, timm.list_pretrained())
        hint = hint if hint.startswith("did") else "timm.list_pretrained() names those it has"
        raise InputError(f"{where}: timm has no pretrained model {model!r}; {hint}")
    return config


def _from_hub(source: TimmWeights, repository: str, name: str, folder: Path, where: str) -> bytes:
    try:
        import huggingface_hub
    except ImportError:
        raise _missing("huggingface_hub", where) from None

    # Not the client's cache, since DVC is ours, but a folder that goes when all is read.
    partial = folder / f"{source.sha256[:16]}-hub"
    try:
        path = huggingface_hub.hf_hub_download(
            repository, name, revision=source.revision, local_dir=partial
        )
        return Path(path).read_bytes()
    except Exception as error:  # of the client, of its transport, of the disk: all are input here
        at = f" at {source.revision}" if source.revision else ""
        raise InputError(
            f"{where}: expected {repository}/{name}{at} with sha256 {source.sha256}, "
            f"found: {reason(error)}{copy_hint(where, name)}"
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _missing(package: str, where: str) -> InputError:
    return InputError(f"{where}: expected the package {package}, found none; pip install {package}")
