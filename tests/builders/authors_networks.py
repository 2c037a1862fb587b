"""The networks of the paper's authors, as their code has them."""

from typing import Any

import torch
from builders.torch_files import by_the_authors
from torch import Tensor, nn
from torch.nn import functional as F

STAGES = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg19": (2, 2, 4, 4, 4)}


@by_the_authors
class VGG(nn.Module):
    """As published for images of 32 px: features by number, one linear layer behind."""

    def __init__(self, name: str = "vgg19", batchnorm: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for count, width in zip(STAGES[name], (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(channels, width, 3, padding=1))
                layers += [nn.BatchNorm2d(width)] * batchnorm
                layers.append(nn.ReLU())
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers, nn.AvgPool2d(1))
        self.classifier = nn.Sequential(nn.Linear(512, 10))

    def taps(self, x: Tensor) -> list[Tensor]:
        found = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                found.append(x)
        return found


@by_the_authors
class BasicBlock(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            conv = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(width))

    def taps(self, x: Tensor) -> list[Tensor]:
        h = F.relu(self.bn1(self.conv1(x)))
        return [h, F.relu(self.bn2(self.conv2(h)) + self.shortcut(x))]


@by_the_authors
class ResNet(nn.Module):
    """As published for images of 32 px: a stem of 3 x 3, a linear layer behind."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, width in enumerate((64, 128, 256, 512), start=1):
            first = BasicBlock(channels, width, 1 if stage == 1 else 2)
            self.add_module(f"layer{stage}", nn.Sequential(first, BasicBlock(width, width, 1)))
            channels = width
        self.linear = nn.Linear(512, 10)

    def taps(self, x: Tensor) -> list[Tensor]:
        found = [F.relu(self.bn1(self.conv1(x)))]
        for stage in range(1, 5):
            for block in self.get_submodule(f"layer{stage}").children():
                assert isinstance(block, BasicBlock)
                found += block.taps(found[-1])
        return found


def random_weights(network: nn.Module, seed: int = 0) -> Any:
    """Weights and statistics all different, activations of the order of 1; in eval mode."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.1, 0.1)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def images() -> Tensor:
    return torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def expected_taps(network: Any) -> list[Tensor]:
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        return network.taps((images() - mean.view(3, 1, 1)) / std.view(3, 1, 1))


def assert_same(found: list[Tensor], expected: list[Tensor]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        size = theirs.abs().max().item()
        torch.testing.assert_close(ours.contiguous(), theirs, rtol=0, atol=1e-5 * size)
