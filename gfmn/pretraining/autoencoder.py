"""The paper's autoencoders (section 5.1): an encoder, the extractor, and a decoder."""

from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from gfmn import generators
from gfmn.common.bounds import BATCH, LATENT, RATE, STEPS
from gfmn.common.devices import autocast
from gfmn.common.images import bytes_to_unit, unit_to_signed
from gfmn.datasets.prepared import PreparedDataset
from gfmn.generators import Decoder
from gfmn.networks import Encoder, build
from gfmn.networks.extractor_file import NetworkRecord
from gfmn.pretraining.base import TASKS, Pretraining, PretrainingConfig, Result
from gfmn.pretraining.laplacian import laplacian_distance


@TASKS.register("autoencoder")
class AutoencoderConfig(PretrainingConfig):
    """An encoder trained to let a decoder, built like a generator, rebuild its input.

    It uses all images and no labels. ADAM's learning rate falls linearly to 0.
    """

    architecture: Literal["dcgan_encoder", "vgg19_encoder"]
    decoder: generators.Name = "dcgan"
    # Size of the code; the paper's for CIFAR-10 and STL-10.
    latent: int = Field(128, ge=1, le=LATENT)
    error: Literal["squared", "laplacian"] = "squared"
    steps: int = Field(ge=1, le=STEPS)  # updates
    batch: int = Field(64, ge=2, le=BATCH)
    lr: float = Field(1e-3, gt=0, le=RATE)

    def build(self, name: str, data: PreparedDataset) -> Pretraining:
        """As in the base class."""
        return AutoencoderTraining(self, name, data)


class AutoencoderTraining(Pretraining):
    """Training with the parameters of an `AutoencoderConfig`."""

    columns = ()

    def __init__(self, config: AutoencoderConfig, name: str, data: PreparedDataset) -> None:
        super().__init__(name, data)
        self.config: AutoencoderConfig = config
        self.steps, self.image_size = config.steps, int(data.metadata["image_size"])
        torch.manual_seed(config.seed)
        self.arguments = {"image_size": self.image_size, "latent": config.latent}
        encoder = build(config.architecture, image_size=self.image_size, latent=config.latent)
        assert isinstance(encoder, Encoder)
        self.encoder = encoder.to(memory_format=torch.channels_last).to(self.device).train()
        self.decoder = generators.build(config.decoder, self.image_size, config.latent)
        self.decoder.to(self.device).train()
        self.modules = {"encoder": self.encoder, "decoder": self.decoder}
        self.precision = config.chosen_precision(self.device)
        weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(weights, lr=config.lr, fused=True)

    def rate(self, step: int) -> float:
        """The learning rate at a step: linear, to 0."""
        return self.config.lr * (1 - step / self.steps)

    def loss(self, step: int) -> Tensor:
        """The error of a minibatch's reconstructions, per channel value in [-1, 1]."""
        # Sorted: neighboring reads from the memory map; a minibatch has no order.
        rng = np.random.default_rng((self.config.seed, step))
        indices = np.sort(rng.integers(len(self.data.images), size=self.config.batch))
        images = unit_to_signed(bytes_to_unit(self.data.images[indices])).to(self.device)
        return self._error(self._reconstructed(images), images)

    def _reconstructed(self, images: Tensor) -> Tensor:
        with autocast(self.precision, self.device):
            reconstructed: Tensor = self.decoder(self.encoder.encode(images).float())
        return reconstructed

    def _error(self, reconstructed: Tensor, images: Tensor) -> Tensor:
        if self.config.error == "laplacian":
            return laplacian_distance(reconstructed, images)
        return F.mse_loss(reconstructed, images)

    @torch.no_grad()
    def _errors(self) -> dict[str, float]:
        """Mean errors of up to 1,000 images, evenly spaced, in evaluation mode."""
        for module in self.modules.values():
            module.eval()
        count = min(1000, len(self.data.images))
        indices = np.linspace(0, len(self.data.images) - 1, count).round().astype(int)
        squares, distances = 0.0, 0.0
        for part in np.array_split(indices, -(-count // 250)):
            images = unit_to_signed(bytes_to_unit(self.data.images[part])).to(self.device)
            reconstructed = self._reconstructed(images)
            squares += float(F.mse_loss(reconstructed, images)) * len(part)
            distances += float(laplacian_distance(reconstructed, images)) * len(part)
        return {
            "squared_error": round(squares / count, 5),
            "laplacian_error": round(distances / count, 5),
            "images": count,
        }

    def result(self) -> Result:
        """The encoder, the decoder and their errors."""
        metrics = self._errors()
        provenance = self.provenance(metrics)
        record = NetworkRecord(
            self.name,
            self.config.architecture,
            self.encoder.state_dict(),
            provenance,
            self.arguments,
            self.image_size,
        )
        state = self.decoder.state_dict()
        decoder = Decoder(self.config.decoder, self.image_size, self.config.latent, state)
        return Result(record, metrics, decoder)
