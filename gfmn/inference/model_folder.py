"""The folder of a trained generator: found, checked, and written as hubs of models lay it out.

A study's has `generator.safetensors` and `config.json`; a hub's `model.safetensors`, the same
bytes, `config.json` and `README.md`, the model card.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
import torch
from torch import nn

from gfmn import generators
from gfmn.common import json_reader, tensorfile
from gfmn.common.config import Config, suggest
from gfmn.common.errors import InputError

CONFIG, CARD = "config.json", "README.md"
WEIGHTS, PUBLISHED = "generator.safetensors", "model.safetensors"  # of a study, of a hub
CARD_TEXT = """\
---
library_name: gfmn
pipeline_tag: unconditional-image-generation
tags:
- gfmn
- feature-matching
- image-generation
- {generator}
- arxiv:1904.02762
---

# {name}

A generator of {size} x {size} px images, trained without a discriminator by matching features
(dos Santos et al., ICCV 2019). `config.json` has every parameter of its training.

```python
import gfmn

model = gfmn.TrainedGenerator.from_pretrained("FOLDER")  # or the repository's name
images = model.sample(64)  # 64 x {size} x {size} x 3 uint8
```
"""


class GeneratorConfig(Config):
    """The fields of `config.json` that loading needs; other fields are ignored."""

    model_config = pydantic.ConfigDict(extra="ignore")

    generator: str
    image_size: int  # pixels
    latent: int = pydantic.Field(ge=1, le=1 << 20)
    class_frequencies: tuple[float, ...] = ()  # of a conditional generator
    class_names: tuple[str, ...] | None = None
    run: str = ""
    parameters: dict[str, Any] = pydantic.Field(default_factory=dict)


def read(folder: Path) -> tuple[nn.Module, dict[str, Any], Path]:
    """The generator on the CPU, the content of its `config.json`, and the folder of both.

    Raises `InputError` as `gfmn.load` does.
    """
    folder, weights = _find(folder)
    _check_weights(folder / weights, _read_config(folder / CONFIG))
    return *generators.load(folder, weights), folder


def write(
    folder: Path, network: nn.Module, config: Mapping[str, Any], name: str, source: Path
) -> None:
    """Write the hub's layout: a generator and its `config.json`, and a card.

    That is the card which the folder has already, else that of the folder `source`, else a short
    one under the title `name`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        generators.save(network, folder / PUBLISHED)
        if generators.DIGESTS in config:
            config = {**config, generators.DIGESTS: generators.digests(folder, [PUBLISHED])}
        (folder / CONFIG).write_text(json.dumps(dict(config), indent=2) + "\n", encoding="utf-8")
        if (folder / CARD).exists():
            return
        if (source / CARD).is_file():
            for path in source.glob(f"{Path(CARD).stem}*"):  # and its image of samples
                shutil.copyfile(path, folder / path.name)
        else:
            facts = {"generator": config["generator"], "size": config["image_size"]}
            (folder / CARD).write_text(CARD_TEXT.format(name=name, **facts), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{folder}: expected to write here, found: {reason}") from None


def _find(folder: Path) -> tuple[Path, str]:
    """The folder that has the files, and the name of the weights."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise InputError(f"{folder}: expected a trained generator's folder, found {found}")
    for weights in (WEIGHTS, PUBLISHED):
        if (folder / weights).exists():
            return folder, weights
    if (folder / CONFIG).exists():
        return folder, WEIGHTS
    seeds = sorted(path for path in folder.glob("seed-*") if path.is_dir())
    if len(seeds) == 1:
        return seeds[0], WEIGHTS
    if seeds:
        found = ", ".join(path.name for path in seeds)
        raise InputError(f"{folder}: expected one seed, found {found}: name one of these folders")
    expected = f"expected {CONFIG} and {WEIGHTS} or {PUBLISHED}"
    raise InputError(f"{folder}: {expected}, found neither, nor seed-<k>/")


def _read_config(path: Path) -> GeneratorConfig:
    data = json_reader.read(path, "a generator's description")
    config = GeneratorConfig.parse(data, f"{path}: $")
    if config.generator not in generators.GENERATORS:
        advice = suggest(config.generator, generators.GENERATORS)
        raise InputError(f"{path}: $.generator: no {config.generator!r}; {advice}")
    if config.image_size not in generators.IMAGE_SIZES:
        expected = f"expected one of {', '.join(map(str, generators.IMAGE_SIZES))}"
        raise InputError(f"{path}: $.image_size: {expected}, found {config.image_size}")
    return config


def _check_weights(path: Path, config: GeneratorConfig) -> None:
    """Raise `InputError` unless names and shapes of the tensors are those of the configuration."""
    found = tensorfile.read_shapes(path, "a generator's weights")
    with torch.device("meta"):
        made_of = (config.generator, config.image_size, config.latent, config.class_frequencies)
        network = generators.build(*made_of)
    what = f"{config.generator} of {config.image_size} px and latent {config.latent}"
    where = f"{path}: expected the weights of a {what}, which {CONFIG} names, found"
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    for key, shape in expected.items():
        if key not in found:
            raise InputError(f"{where} no tensor {key!r}")
        if found[key] != shape:
            raise InputError(f"{where} {key!r} of the shape {found[key]} for {shape}")
    if surplus := next((key for key in found if key not in expected), None):
        raise InputError(f"{where} also {surplus!r}")
