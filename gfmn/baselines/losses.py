"""What several methods share: a gradient penalty, and the hinge and logistic losses."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def mixed(real: Tensor, fake: Tensor) -> Tensor:
    """Images at a random place between a real and a generated one each, B x 3 x S x S."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    images: Tensor = torch.lerp(real, fake, share).requires_grad_()
    return images


def gradient_norms(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """The norm of a function's gradient at each image, B, with a graph by the function's weights.

    `function`: B x 3 x S x S images, which require a gradient, to B numbers of them each alone.
    """
    (gradient,) = torch.autograd.grad(function(images).sum(), images, create_graph=True)
    norms: Tensor = gradient.flatten(1).norm(dim=1)
    return norms


def gradient_penalty(
    function: Callable[[Tensor], Tensor], images: Tensor, target: float = 1.0
) -> Tensor:
    """The mean of (norm of the gradient - target)^2 (Gulrajani et al., NIPS 2017, eq. 3)."""
    penalty: Tensor = (gradient_norms(function, images) - target).square().mean()
    return penalty


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """The critic's hinge loss (Lim and Ye, 2017; Miyato et al., ICLR 2018, eq. 16)."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def logistic(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's cross-entropy (Goodfellow et al., NIPS 2014, eq. 1), of logits."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()
