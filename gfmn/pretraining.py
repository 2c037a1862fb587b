"""Pretraining of an extractor inside the pipeline: the paper's autoencoder (section 5.1)."""

from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch.nn import functional as F

from gfmn import generators
from gfmn.config import Config
from gfmn.devices import autocast, default_device, has_bf16_units
from gfmn.extractor_file import NetworkRecord
from gfmn.images import bytes_to_unit, unit_to_signed
from gfmn.networks.encoder import Encoder
from gfmn.prepared import Prepared
from gfmn.progress import Progress


class AutoencoderConfig(Config):
    """An encoder trained to let a DCGAN decoder rebuild its input, by squared error."""

    architecture: Literal["dcgan_encoder"]
    dataset: str  # trained on all of its images
    latent: int = Field(128, ge=1)  # size of the code; the paper's for CIFAR-10 and STL-10
    steps: int = Field(ge=1)  # updates
    batch: int = Field(64, ge=2)  # images
    lr: float = Field(1e-3, gt=0)  # ADAM's, falling linearly to 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = Field(0, ge=0)


def train_encoder(config: AutoencoderConfig, name: str, data: Prepared) -> NetworkRecord:
    """Train encoder and decoder together; returns the encoder, with its final squared error.

    The error is the mean over the last 50 steps, per channel value in [-1, 1].
    """
    torch.manual_seed(config.seed)
    device, image_size = default_device(), data.meta["image_size"]
    encoder = Encoder(image_size, config.latent)
    encoder.to(memory_format=torch.channels_last).to(device)
    decoder = generators.build("dcgan", image_size, config.latent).to(device)
    precision = config.precision
    if precision == "auto":  # all of its convolutions are dense
        precision = "bf16" if has_bf16_units(device) else "fp32"
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(weights, lr=config.lr, fused=True)
    errors: list[float] = []
    with Progress(f"pretrain {name}", config.steps, "steps") as progress:
        for step in range(config.steps):
            optimiser.param_groups[0]["lr"] = config.lr * (1 - step / config.steps)
            # Sorted: neighbouring reads from the memory map; a minibatch has no order.
            rng = np.random.default_rng((config.seed, step))
            indices = np.sort(rng.integers(len(data.images), size=config.batch))
            images = unit_to_signed(bytes_to_unit(data.images[indices])).to(device)
            with autocast(precision, device):
                rebuilt = decoder(encoder.encode(images).float())
            error = F.mse_loss(rebuilt, images)
            optimiser.zero_grad(set_to_none=True)
            error.backward()
            optimiser.step()
            errors.append(float(error.detach()))
            progress.advance(1, mse=errors[-1])
    provenance: dict[str, Any] = {
        "trained_on": config.dataset,
        "dataset_digest": data.meta["digest"],
        "squared_error": round(float(np.mean(errors[-50:])), 5),
        "precision": precision,
        "parameters": config.model_dump(mode="json"),
    }
    arguments = {"image_size": image_size, "latent": config.latent}
    return NetworkRecord(
        name, config.architecture, encoder.state_dict(), provenance, arguments, image_size
    )
