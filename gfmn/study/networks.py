"""What is known of a study's extractors and evaluators before their weights are there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gfmn import pretraining
from gfmn.common.errors import InputError
from gfmn.common.sections import entries_by_kind, known
from gfmn.features.extractor import check_image_size
from gfmn.networks import TappedNetwork, describe
from gfmn.networks.batchnorm_insertion import BatchNormInsertion, normalized_architecture
from gfmn.networks.extractor_file import CombinedExtractor, ExtractorEvaluator
from gfmn.pretraining import AutoencoderConfig, PretrainingConfig
from gfmn.weights.config import FetchedEvaluator, FetchedNetwork
from gfmn.weights.convert import describe_published

KINDS = ("fetched", "trained", "with_batchnorm", "combined")  # of extractors
EVALUATORS = ("fetched", "from_extractor")


@dataclass(frozen=True)
class Network:
    """What is known of a frozen network before its weights are there."""

    architecture: str
    description: TappedNetwork  # without storage
    trained_size: int | None = None  # the only image size that it takes, in pixels
    decoder: AutoencoderConfig | None = None  # what came to be beside it
    arguments: Mapping[str, Any] = field(default_factory=dict)  # the architecture's


Extractors = Mapping[str, Mapping[str, Network]]  # each one's networks, by name
Sizes = Mapping[str, int]  # of each data set's images, in pixels


def check_extractors(
    params: Mapping[str, Any], where: str, sizes: Sizes
) -> dict[str, dict[str, Network]]:
    """Each extractor's networks by name."""
    found: dict[str, dict[str, Network]] = {}
    for kind, name, data, path in entries_by_kind(params, "extractors", KINDS, "none", where):
        if kind == "fetched":
            found[name] = {name: _published(FetchedNetwork.parse(data, path), path)}
        elif kind == "trained":
            found[name] = {name: _trained(pretraining.parse(data, path), sizes, path)}
        elif kind == "with_batchnorm":
            found[name] = {name: _with_batchnorm(data, found, sizes, path)}
        else:
            combined = CombinedExtractor.parse(data, path)
            first, second = (found[known(n, found, f"{path}.networks")] for n in combined.networks)
            if twice := first.keys() & second.keys():
                raise InputError(f"{path}: expected each network once, found {twice} twice")
            found[name] = first | second
    return found


def _published(config: FetchedNetwork | FetchedEvaluator, path: str) -> Network:
    description = describe_published(config, path)
    return Network(config.architecture, description, arguments=config.arguments)


def _trained(config: PretrainingConfig, sizes: Sizes, path: str) -> Network:
    size = sizes[known(config.dataset, sizes, f"{path}.dataset")]
    if not isinstance(config, AutoencoderConfig):
        description = _described(config.architecture, path)
        check_image_size(description, size, None, f"{path}.dataset")
        return Network(config.architecture, description)
    arguments = {"image_size": size, "latent": config.latent}
    description = _described(config.architecture, path, **arguments)
    return Network(config.architecture, description, size, config, arguments)


def _with_batchnorm(data: Any, extractors: Extractors, sizes: Sizes, path: str) -> Network:
    config = BatchNormInsertion.parse(data, path)
    size = sizes[known(config.dataset, sizes, f"{path}.dataset")]
    network = only_network(config.extractor, extractors, f"{path}.extractor")
    architecture = normalized_architecture(network.architecture, f"{path}.extractor")
    check_image_size(network.description, size, network.trained_size, f"{path}.dataset")
    return Network(architecture, describe(architecture))


def only_network(name: str, extractors: Extractors, path: str) -> Network:
    """The network of an extractor; `InputError` for an extractor of several."""
    networks = extractors[known(name, extractors, path)]
    if len(networks) > 1:
        raise InputError(f"{path}: expected one network, found {', '.join(networks)}")
    return next(iter(networks.values()))


def _described(architecture: str, where: str, **arguments: Any) -> TappedNetwork:
    """A network without storage; an unknown one, or one of its taps, is an `InputError`."""
    try:
        return describe(architecture, **arguments)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def check_evaluators(
    params: Mapping[str, Any], where: str, extractors: Extractors
) -> dict[str, Network]:
    """What is known of each evaluator's network."""
    found: dict[str, Network] = {}
    for kind, name, data, path in entries_by_kind(params, "evaluators", EVALUATORS, "pixel", where):
        if kind == "fetched":
            found[name] = _published(FetchedEvaluator.parse(data, path), path)
        else:
            config = ExtractorEvaluator.parse(data, path)
            network = only_network(config.extractor, extractors, f"{path}.extractor")
            if config.resize is not None:
                arguments = {**network.arguments, "resize": config.resize}
                network = replace(network, arguments=arguments)
            found[name] = network
    return found
