"""The names that tensors have where weights are published, as those of `gfmn.networks`."""

import re
from collections.abc import Collection, Iterable, Mapping

from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.networks import TappedNetwork

State = dict[str, Tensor]
# What libraries call the layers behind the features, beside a model's other children.
CLASSIFIERS = (
    *("fc", "classifier", "head", "heads", "head_dist", "linear", "last_linear", "logits"),
    *("pre_logits", "AuxLogits", "aux1", "aux2", "aux_logits"),
)


def plain(state: Mapping[str, Tensor]) -> State:
    """Without the batch norms' counters; floating tensors float32, all contiguous."""
    return {
        key: (value.float() if value.is_floating_point() else value).contiguous()
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def classifier_keys(keys: Iterable[str]) -> list[str]:
    """Those of the layers behind the features."""
    return [key for key in keys if key.partition(".")[0] in CLASSIFIERS]


def vgg_modules(network: TappedNetwork) -> dict[str, str]:
    """Each module of torchvision's VGG with weights, `features.N`, and its name in ours.

    A ReLU is a module of its own there, and so are the pools between the stages.
    """
    normed = any(key.endswith(".norm.weight") for key in network.state_dict())
    modules, index = {}, 0
    for tap in network.tap_names:
        if tap.endswith("_1") and tap != "conv1_1":
            index += 1
        modules[f"features.{index}"] = f"{tap}.conv" if normed else tap
        if normed:
            modules[f"features.{index + 1}"] = f"{tap}.norm"
        index += 3 if normed else 2
    return modules


def vgg_from_torchvision(state: Mapping[str, Tensor], network: TappedNetwork, name: str) -> State:
    """`features.N.weight`, ... without the classifier; `name` begins every error, `InputError`."""
    modules = vgg_modules(network)
    dropped = classifier_keys(state)
    converted = {}
    for key, value in plain(state).items():
        module, _, kind = key.rpartition(".")
        if key in dropped:
            continue
        if module not in modules:
            raise InputError(f"{name}: expected a VGG of {len(modules)} layers, found {key!r}")
        converted[f"{modules[module]}.{kind}"] = value
    return converted


RESNET_BLOCK = {"conv1": "first.conv", "bn1": "first.norm", "conv2": "second.conv"}
RESNET_BLOCK |= {"bn2": "second.norm", "shortcut.0": "shortcut.conv", "shortcut.1": "shortcut.norm"}
RESNET_BLOCK |= {"downsample.0": "shortcut.conv", "downsample.1": "shortcut.norm"}
RESNET_STEM = {"conv1": "stem.conv", "bn1": "stem.norm"}


def resnet_from_torch(state: Mapping[str, Tensor], network: TappedNetwork, name: str) -> State:
    """`conv1`, `bn1`, `layerS.I.conv1`, ... as on CIFAR-10, without the classifier.

    The shortcut may be `shortcut.N` or torchvision's `downsample.N`. `name` begins every error, an
    `InputError`: other names, a stem of 7 x 7.
    """
    stem = state.get("conv1.weight")
    if stem is not None and stem.ndim == 4 and stem.shape[-1] == 7:
        raise InputError(
            f"{name}: expected a ResNet18 with a stem of 3 x 3, found one of 7 x 7; "
            f"its architecture is 'torchvision:resnet18'"
        )
    dropped = classifier_keys(state)
    converted = {}
    for key, value in plain(state).items():
        match = re.fullmatch(r"(?:layer(\d)\.(\d)\.)?(.+)\.(\w+)", key)
        names = RESNET_STEM if match is None or match[1] is None else RESNET_BLOCK
        if key in dropped:
            continue
        if match is None or match[3] not in names:
            raise InputError(f"{name}: expected a ResNet18, found {key!r}")
        block = "" if match[1] is None else f"blocks.block{match[1]}_{int(match[2]) + 1}."
        converted[f"{block}{names[match[3]]}.{match[4]}"] = value
    return converted


def adapted(state: Mapping[str, Tensor], expected: Collection[str]) -> State:
    """A library model's own names behind `module.`.

    What belongs to a classifier, or to a pretraining by masking, is left out unless expected.
    """
    surplus = [*classifier_keys(state), "mask_token"]
    dropped = {key for key in surplus if f"module.{key}" not in expected}
    return {f"module.{key}": value for key, value in plain(state).items() if key not in dropped}


# The norm that follows each convolution of a block; its name depends on the block alone.
LITE_BLOCK = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
LITE_OUTSIDE = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}


def lite_from_torch(state: Mapping[str, Tensor], network: TappedNetwork, name: str) -> State:
    """`_conv_stem`, `_blocks.N._depthwise_conv`, ..., `_fc`."""
    converted = {}
    for key, value in plain(state).items():
        match = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)", key)
        names = LITE_OUTSIDE if match is None or match[1] is None else LITE_BLOCK
        if match is None or match[2] not in names:
            raise InputError(f"{name}: expected an EfficientNet-Lite, found {key!r}")
        block = "" if match[1] is None else f"block{int(match[1]) + 1:02d}."
        converted[f"{block}{names[match[2]]}.{match[3]}"] = value
    return converted
