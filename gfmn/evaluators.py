"""A frozen classifier as the eye of the metrics: features and logits of images."""

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from gfmn.errors import InputError
from gfmn.extractor_file import file_digest, load_network, read_header
from gfmn.images import bytes_to_unit
from gfmn.networks.efficientnet_lite import CLASSES, HEAD, EfficientNetLite


class Evaluator:
    """A classifier in float32 that sees every image at `resize` x `resize` pixels.

    `name`: the network's; `digest`: the file's sha256.
    """

    def __init__(self, network: EfficientNetLite, resize: int, name: str, digest: str) -> None:
        self.network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.resize, self.name, self.digest = resize, name, digest

    @torch.inference_mode()
    def features_and_logits(
        self, images: np.ndarray, batch: int = 256
    ) -> tuple[np.ndarray, np.ndarray]:
        """N x H x W x 3 uint8 -> N x D features and N x 1000 logits, float32.

        Bytes to unit range, antialiased bilinear resize, network. Beyond what it returns its
        memory does not grow with N.
        """
        features = np.empty((len(images), HEAD), np.float32)
        logits = np.empty((len(images), CLASSES), np.float32)
        device = next(self.network.parameters()).device
        for start in range(0, len(images), batch):
            part = slice(start, start + batch)
            unit = bytes_to_unit(np.ascontiguousarray(images[part])).to(device)
            size = (self.resize, self.resize)
            resized = F.interpolate(
                unit, size, mode="bilinear", align_corners=False, antialias=True
            )
            pooled, scores = self.network.pooled_and_logits(resized)
            features[part], logits[part] = pooled.cpu().numpy(), scores.cpu().numpy()
        return features, logits


def load_evaluator(path: str | Path, resize: int) -> Evaluator:
    """Read an evaluator, a file of the extractor format that holds one classifier.

    Raises `InputError` for a file that is missing, truncated or foreign, or holds anything else.
    """
    headers = read_header(path).networks
    if len(headers) != 1:
        raise InputError(f"{path}: expected one network, found {len(headers)}")
    network = load_network(path, headers[0])
    if not isinstance(network, EfficientNetLite):
        found = headers[0].architecture
        raise InputError(f"{path}: expected a classifier with features and logits, found {found}")
    if resize < 1:
        raise InputError(f"{path}: expected to resize to at least 1 px, found {resize}")
    return Evaluator(network, resize, headers[0].name, file_digest(path))
