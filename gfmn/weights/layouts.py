"""Published layouts: the names that tensors have there, as those of `gfmn.networks`.

A layout takes a published state dict and gives ours. Every `InputError` says what was expected and
what was found; the caller names the file.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.networks import describe

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


def without_classifier(state: Mapping[str, Tensor]) -> State:
    """As `plain`, and without the layers behind the features."""
    dropped = classifier_keys(state)
    return {key: value for key, value in plain(state).items() if key not in dropped}


def vgg_modules(architecture: str) -> dict[str, str]:
    """Each module of torchvision's VGG with weights, `features.N`, and its name in ours.

    A ReLU is a module of its own there, and so are the pools between the stages.
    """
    batchnorm = architecture.endswith("_bn")
    modules, index = {}, 0
    for tap in describe(architecture).tap_names:
        if tap.endswith("_1") and tap != "conv1_1":
            index += 1
        modules[f"features.{index}"] = f"{tap}.conv" if batchnorm else tap
        if batchnorm:
            modules[f"features.{index + 1}"] = f"{tap}.norm"
        index += 3 if batchnorm else 2
    return modules


def vgg_from_torchvision(architecture: str, state: Mapping[str, Tensor]) -> State:
    """`features.N.weight`, ... without the classifier."""
    modules = vgg_modules(architecture)
    converted = {}
    for key, value in without_classifier(state).items():
        module, _, kind = key.rpartition(".")
        if module not in modules:
            raise InputError(f"expected a VGG of {len(modules)} layers, found {key!r}")
        converted[f"{modules[module]}.{kind}"] = value
    return converted


RESNET_STEM = {"conv1": "stem.conv", "bn1": "stem.norm"}
RESNET_BLOCK = {
    "conv1": "first.conv",
    "bn1": "first.norm",
    "conv2": "second.conv",
    "bn2": "second.norm",
    "shortcut.0": "shortcut.conv",
    "shortcut.1": "shortcut.norm",
    "downsample.0": "shortcut.conv",  # torchvision's
    "downsample.1": "shortcut.norm",
}


def resnet_from_torch(state: Mapping[str, Tensor]) -> State:
    """`conv1`, `bn1`, `layerS.I.conv1`, ... as on CIFAR-10, without the classifier."""
    stem = state.get("conv1.weight")
    if stem is not None and stem.ndim == 4 and stem.shape[-1] == 7:
        raise InputError(
            "expected a ResNet18 with a stem of 3 x 3, found one of 7 x 7; "
            "its architecture is 'torchvision:resnet18'"
        )
    converted = {}
    for key, value in without_classifier(state).items():
        match = re.fullmatch(r"(?:layer(\d)\.(\d)\.)?(.+)\.(\w+)", key)
        names = RESNET_STEM if match is None or match[1] is None else RESNET_BLOCK
        if match is None or match[3] not in names:
            raise InputError(f"expected a ResNet18, found {key!r}")
        block = "" if match[1] is None else f"blocks.block{match[1]}_{int(match[2]) + 1}."
        converted[f"{block}{names[match[3]]}.{match[4]}"] = value
    return converted


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


def lite_from_torch(state: Mapping[str, Tensor]) -> State:
    """`_conv_stem`, `_blocks.N._depthwise_conv`, ..., `_fc`."""
    converted = {}
    for key, value in plain(state).items():
        match = re.fullmatch(r"(?:_blocks\.(\d+)\.)?(\w+)\.(\w+)", key)
        names = LITE_OUTSIDE if match is None or match[1] is None else LITE_BLOCK
        if match is None or match[2] not in names:
            raise InputError(f"expected an EfficientNet-Lite, found {key!r}")
        block = "" if match[1] is None else f"block{int(match[1]) + 1:02d}."
        converted[f"{block}{names[match[2]]}.{match[3]}"] = value
    return converted


def library_model(state: Mapping[str, Tensor], expected: Collection[str]) -> State:
    """A library model's own names behind `module.`.

    What belongs to a classifier, or to a pretraining by masking, is left out unless expected.
    """
    surplus = [*classifier_keys(state), "mask_token"]
    dropped = {key for key in surplus if f"module.{key}" not in expected}
    return {f"module.{key}": value for key, value in plain(state).items() if key not in dropped}


# The layout in which each architecture's weights are published.
LAYOUTS: dict[str, Callable[[Mapping[str, Tensor]], State]] = {
    "vgg11": partial(vgg_from_torchvision, "vgg11"),
    "vgg13": partial(vgg_from_torchvision, "vgg13"),
    "vgg16": partial(vgg_from_torchvision, "vgg16"),
    "vgg19": partial(vgg_from_torchvision, "vgg19"),
    "vgg11_bn": partial(vgg_from_torchvision, "vgg11_bn"),
    "vgg13_bn": partial(vgg_from_torchvision, "vgg13_bn"),
    "vgg16_bn": partial(vgg_from_torchvision, "vgg16_bn"),
    "vgg19_bn": partial(vgg_from_torchvision, "vgg19_bn"),
    "resnet18": resnet_from_torch,
    "efficientnet_lite0": lite_from_torch,
    "efficientnet_lite2": lite_from_torch,
}
