"""Networks with random weights that do not die out, and images for them."""

import torch
import torchvision
from torch import Tensor, nn

from gfmn.networks import build
from gfmn.networks.adapters import Adapter


def randomized(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network in eval mode, its weights scaled by fan-in, its batch norms no identities."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0.2, 0.3)
        elif isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return network.eval().requires_grad_(False)


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Both register their layers in forward order; the source may have more, behind those."""
    state = zip(target.state_dict(), source.state_dict().values(), strict=False)
    target.load_state_dict(dict(state))


def images(size: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def normalized(x: Tensor) -> Tensor:
    """As ImageNet classifiers other than Lite want it."""
    return torchvision.transforms.functional.normalize(
        x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    )


def random_adapter(architecture: str, **arguments: object) -> Adapter:
    """With weights that keep signals alive, in eval mode."""
    torch.manual_seed(0)
    network = build(architecture, **arguments)
    assert isinstance(network, Adapter)
    randomized(network)
    return network
