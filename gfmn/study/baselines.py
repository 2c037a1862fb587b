"""A study's baselines, checked: their inputs are there and fit the images."""

from collections.abc import Collection, Mapping
from typing import Any

from gfmn import baselines
from gfmn.baselines import BaselineConfig
from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.common.runs import run_row
from gfmn.common.sections import check_keys, entries, known
from gfmn.features.extractor import check_image_size
from gfmn.generators import IMAGE_SIZES
from gfmn.study.networks import Extractors, Sizes, only_network

INPUTS = ("dataset", "extractor", "decoder")  # dvc.yaml reads them in a row
OWN = ("method", "seed", *INPUTS)  # of a row, never of all


def check_baselines(
    params: Mapping[str, Any],
    where: str,
    sizes: Sizes,
    extractors: Extractors,
    runs: Collection[str],
) -> dict[str, BaselineConfig]:
    """Every baseline's parameters by name; `runs`: the names that are taken."""
    shared = params.get("baseline_defaults", {})
    if isinstance(shared, Mapping):
        allowed = [name for name in BaselineConfig.model_fields if name not in OWN]
        check_keys(shared, allowed, f"{where}: baseline_defaults")
    found = {}
    for name, data, _ in entries(params, "baselines", where):
        row, path = run_row(params, name, where, "baselines")
        if name in runs:
            raise InputError(f"{path}: expected a name that no run has, found {name!r}")
        for key in INPUTS:
            if key not in data:
                raise InputError(f"{path}.{key}: required in every baseline's row, found nothing")
        config = found[name] = baselines.parse(row, path)
        size = sizes[known(config.dataset, sizes, f"{path}.dataset")]
        if size not in IMAGE_SIZES:
            expected = f"a data set of {', '.join(map(str, IMAGE_SIZES))} px"
            raise InputError(f"{path}.dataset: expected {expected}, found {size} px")
        _check_networks(config, extractors, size, path)
    return found


def _check_networks(config: Config, extractors: Extractors, size: int, path: str) -> None:
    assert isinstance(config, BaselineConfig)
    if config.extractor != "none":
        network = only_network(config.extractor, extractors, f"{path}.extractor")
        pair = f"{path}: extractor {config.extractor!r} on data set {config.dataset!r}"
        check_image_size(network.description, size, network.trained_size, pair)
        if config.critic == "none" and not hasattr(network.description, "encode"):
            found = f"{config.extractor!r}: {network.architecture}"
            raise InputError(f"{path}.extractor: expected an autoencoder's encoder, found {found}")
    if config.decoder != "none":
        source = known(config.decoder, ["none", *extractors], f"{path}.decoder")
        decoder = only_network(source, extractors, f"{path}.decoder").decoder
        made = (decoder.decoder, decoder.latent) if decoder else None
        if made != (config.decoded_by, config.latent):
            expected = f"a decoder {config.decoded_by} of latent {config.latent}"
            found = f"{made[0]} of latent {made[1]}" if made else "none"
            raise InputError(f"{path}.decoder: expected {expected}, found {found}")
