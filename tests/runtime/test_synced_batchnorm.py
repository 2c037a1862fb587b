"""Which batch norms can be synchronized over several processes."""

from builders.extractor_files import line
from builders.networks import random_adapter

from gfmn.runtime.distributed import World
from gfmn.runtime.synced_batchnorm import synchronise


def test_batch_norm_with_activation_is_refused() -> None:
    network = random_adapter("timm:test_efficientnet")  # normalizes and activates in one module
    message = line(synchronise, network, World(rank=0, size=2))
    assert "BatchNormAct2d" in message and "expected 1" in message
