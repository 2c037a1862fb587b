"""A classifier trained on a labeled data set, whose features are then matched.

The paper's are VGG19 and ResNet18 on ImageNet (section 5.1); any labeled data set will do.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gfmn.common.bounds import BATCH, COUNT, RATE, SIDE
from gfmn.common.compiling import compiler_present
from gfmn.common.devices import autocast
from gfmn.common.errors import InputError
from gfmn.common.images import bytes_to_unit, shifted
from gfmn.datasets.prepared import PreparedDataset
from gfmn.networks import Classifier, build
from gfmn.networks.classifier import initialize
from gfmn.networks.extractor_file import NetworkRecord
from gfmn.pretraining.base import TASKS, Pretraining, PretrainingConfig, Result

EVALUATION_BATCH = 500  # images


@TASKS.register("classifier")
class ClassifierConfig(PretrainingConfig):
    """SGD with Nesterov momentum; the rate rises linearly to `lr` and falls linearly to 0.

    Augmentation: a crop of the image padded by `crop` reflected pixels, and a mirror image half
    of the time.
    """

    architecture: Literal["vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn", "resnet18"]
    holdout: float = Field(0.1, gt=0, lt=1)  # share of the images, on which accuracy is measured
    epochs: int = Field(ge=1, le=COUNT)
    batch: int = Field(128, ge=2, le=BATCH)
    lr: float = Field(0.1, gt=0, le=RATE)  # at its highest
    warmup: float = Field(0.2, ge=0, lt=1)  # share of the steps until then
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(5e-4, ge=0, le=1)  # of convolutions and the classifier alone
    smoothing: float = Field(0.1, ge=0, lt=1)  # of labels
    crop: int = Field(4, ge=0, le=SIDE)  # pixels
    flip: bool = True

    def build(self, name: str, data: PreparedDataset) -> Pretraining:
        """As in the base class."""
        return ClassifierTraining(self, name, data)


class ClassifierTraining(Pretraining):
    """Training with the parameters of a `ClassifierConfig`.

    Raises `InputError` for a data set without labels, or too small.
    """

    columns = ("accuracy",)  # on the images held out, after every epoch

    def __init__(self, config: ClassifierConfig, name: str, data: PreparedDataset) -> None:
        super().__init__(name, data)
        self.config: ClassifierConfig = config
        if data.labels is None:
            where = f"{name}: data set {config.dataset!r}"
            raise InputError(f"{where}: expected labels to train a classifier on, found none")
        self.labels = np.asarray(data.labels)
        self.classes = int(self.labels.max()) + 1
        self.held, self.kept = data.split(config.holdout, config.seed)
        self.per_epoch = len(self.kept) // config.batch
        if self.per_epoch < 1 or int(self.labels.min()) < 0 or self.classes < 2:
            expected = f"{config.batch} images to train on and labels from 0 to 1 or more"
            found = f"{len(self.kept)} images, labels up to {self.classes - 1}"
            raise InputError(f"{name}: expected at least {expected}, found {found}")
        self.steps = config.epochs * self.per_epoch
        self._epoch, self._order = -1, self.kept
        torch.manual_seed(config.seed)
        network = build(config.architecture, classes=self.classes)
        assert isinstance(network, Classifier)
        network.apply(initialize)
        self.network = network.to(memory_format=torch.channels_last).to(self.device).train()
        self.modules = {"network": self.network}
        self.precision = config.chosen_precision(self.device)
        weights = list(self.network.parameters())
        groups = [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [w for w in weights if w.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.SGD(
            groups, config.lr, config.momentum, nesterov=config.momentum > 0, fused=True
        )
        self._error: Callable[[Tensor, Tensor], Tensor] = self._plain_error
        if compiler_present():
            self._error = torch.compile(self._plain_error)

    def rate(self, step: int) -> float:
        """The learning rate at a step: linear from 0 to `lr`, then linear to 0."""
        warmup = self.config.warmup * self.steps
        share = (
            (step + 1) / warmup
            if step + 1 < warmup
            else (self.steps - step) / (self.steps - warmup + 1)
        )
        return self.config.lr * min(1.0, share)

    def loss(self, step: int) -> Tensor:
        """Cross-entropy of a minibatch of an epoch's order."""
        epoch, place = divmod(step, self.per_epoch)
        if self._epoch != epoch:
            rng = np.random.default_rng((self.config.seed, 1, epoch))
            self._epoch, self._order = epoch, rng.permutation(self.kept)
        part = slice(place * self.config.batch, (place + 1) * self.config.batch)
        indices = np.sort(self._order[part])  # sorted: neighboring reads of the memory map
        rng = np.random.default_rng((self.config.seed, 2, step))
        crops = augment(self.data.images[indices], self.config.crop, self.config.flip, rng)
        images = bytes_to_unit(crops).to(self.device)
        labels = torch.from_numpy(self.labels[indices]).to(self.device)
        return self._error(self.network.normalize(images), labels)

    def _plain_error(self, x: Tensor, labels: Tensor) -> Tensor:
        with autocast(self.precision, self.device):
            _, logits = self.network.classify(self.network.activations(x))
        smoothing = self.config.smoothing
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)

    def measure(self, done: int) -> dict[str, float]:
        """The accuracy after each epoch, in the training's own precision."""
        if done % self.per_epoch or done == self.steps:
            return {}
        self.network.eval()
        accuracy = self._held_out(self.network, self.precision)["accuracy"]
        self.network.train()
        return {"accuracy": accuracy}

    @torch.no_grad()
    def _held_out(self, network: Classifier, precision: str) -> dict[str, float]:
        """Top-1 accuracy and cross-entropy (nats) on the images held out, not augmented."""
        correct, nats = 0, 0.0
        for start in range(0, len(self.held), EVALUATION_BATCH):
            indices = self.held[start : start + EVALUATION_BATCH]
            images = bytes_to_unit(self.data.images[indices]).to(self.device)
            labels = torch.from_numpy(self.labels[indices]).to(self.device)
            with autocast(precision, self.device):
                _, logits = network.pooled_and_logits(images)
            correct += int((logits.argmax(1) == labels).sum())
            nats += float(F.cross_entropy(logits.float(), labels, reduction="sum"))
        return {"accuracy": correct / len(self.held), "cross_entropy": nats / len(self.held)}

    def result(self) -> Result:
        """The network in float32 with its classifier, and its accuracy."""
        self.network.eval()
        measured = {k: round(v, 6) for k, v in self._held_out(self.network, "fp32").items()}
        metrics = {
            **measured,
            "held_out": len(self.held),
            "trained_on": len(self.kept),
            "classes": self.classes,
            "chance": round(float(np.bincount(self.labels[self.held]).max()) / len(self.held), 6),
        }
        provenance = self.provenance(metrics)
        arguments = {"classes": self.classes}
        state = self.network.state_dict()
        record = NetworkRecord(self.name, self.config.architecture, state, provenance, arguments)
        return Result(record, metrics)


def augment(images: np.ndarray, crop: int, flip: bool, rng: np.random.Generator) -> np.ndarray:
    """N x S x S x 3 uint8 -> the same: shifted by up to `crop` pixels, half of them mirrored."""
    offsets = rng.integers(2 * crop + 1, size=(2, len(images))).T - crop
    mirrored = rng.random(len(images)) < 0.5 if flip else np.zeros(len(images), bool)
    return shifted(images, offsets, mirrored)
