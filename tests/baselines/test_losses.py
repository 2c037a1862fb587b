"""What methods compute, where a closed form says what it must be."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.baselines import critics, losses
from gfmn.baselines.methods.fisher_gan import lagrangian, second_moment
from gfmn.baselines.methods.gan_dfm import denoised_distance
from gfmn.baselines.methods.improved_gan import class_loss
from gfmn.baselines.methods.molm import moments


def test_gradient_penalty_of_a_linear_critic_is_that_of_its_weight() -> None:
    torch.manual_seed(0)
    weight = torch.randn(3, 8, 8, requires_grad=True)
    images = losses.mixed(torch.randn(5, 3, 8, 8), torch.randn(5, 3, 8, 8))
    found = losses.gradient_penalty(lambda x: (x * weight).sum((1, 2, 3)), images)
    norm = weight.norm()
    torch.testing.assert_close(found, (norm - 1).square())
    (gradient,) = torch.autograd.grad(found, weight)
    torch.testing.assert_close(gradient, 2 * (norm - 1) * weight / norm)


def test_mixed_images_lie_between_their_two() -> None:
    real, fake = torch.zeros(4, 3, 2, 2), torch.ones(4, 3, 2, 2)
    images = losses.mixed(real, fake)
    assert images.requires_grad and bool(((images >= 0) & (images <= 1)).all())
    assert len(set(images.detach().flatten().tolist())) == 4  # one place an image


def test_wgan_gp_of_two_points_finds_their_distance() -> None:
    # Real x at 2, generated at 0: the best 1-Lipschitz critic has slope 1, and the distance is 2.
    slope = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.Adam([slope], lr=0.1)
    real, fake = torch.full((8, 1, 1, 1), 2.0), torch.zeros(8, 1, 1, 1)
    for _ in range(150):
        images = losses.mixed(real, fake)
        penalty = losses.gradient_penalty(lambda x: slope * x.flatten(1), images)
        loss = slope * fake.mean() - slope * real.mean() + 10 * penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # -2 s + 10 (s - 1)^2 is least at s = 1.1
    assert float(slope) == pytest.approx(1.1, abs=0.01)


def test_hinge_and_logistic_losses_are_those_of_their_papers() -> None:
    real, fake = torch.tensor([0.5, 2.0]), torch.tensor([-2.0, 0.0])
    assert float(losses.hinge(real, fake)) == pytest.approx(0.25 + 0.5)
    exact = -(math.log(_sigmoid(0.5)) + math.log(_sigmoid(2)) + math.log(_sigmoid(2))) / 2
    assert float(losses.logistic(real, fake)) == pytest.approx(exact - math.log(0.5) / 2)


def test_spectral_norm_is_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    critic = critics.build("sngan", critics.Shape(32, 4), critics.Heads(spectral=True))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for _ in range(60):  # a power iteration each
            critic(images)
    layers = [module for module in critic.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == 8
    for layer in layers:
        largest = np.linalg.svd(layer.weight.detach().flatten(1).numpy(), compute_uv=False)[0]
        assert largest == pytest.approx(1, abs=0.02)


def test_fisher_constraint_holds_where_the_lagrangian_is_largest() -> None:
    # On four points with probabilities p and q the best f is (p - q) / ((p + q) / 2), scaled so
    # that its second moment is 1; the multiplier's steps find that scale.
    p, q = torch.tensor([0.5, 0.2, 0.2, 0.1]), torch.tensor([0.1, 0.2, 0.3, 0.4])
    counts = (10 * p).round().int().tolist(), (10 * q).round().int().tolist()
    real, fake = (torch.repeat_interleave(torch.arange(4), torch.tensor(c)) for c in counts)
    f, multiplier, rho = torch.zeros(4, requires_grad=True), torch.zeros(()), 0.5
    optimizer = torch.optim.SGD([f], lr=0.5)
    for _ in range(400):
        optimizer.zero_grad()
        (-lagrangian(f[real], f[fake], multiplier, rho)).backward()
        optimizer.step()
        multiplier += rho * (second_moment(f[real], f[fake]).detach() - 1)
    assert float(second_moment(f[real], f[fake])) == pytest.approx(1, abs=1e-3)
    exact = (p - q) / ((p + q) / 2)
    exact /= ((p + q) / 2 * exact.square()).sum().sqrt()
    torch.testing.assert_close(f.detach(), exact, atol=1e-3, rtol=0)


def test_denoised_distance_moves_features_to_their_denoised_values() -> None:
    torch.manual_seed(0)
    denoiser, features = nn.Linear(3, 3), torch.randn(5, 3, requires_grad=True)
    denoised_distance(denoiser, features).backward()
    exact = 2 * (features - denoiser(features)).detach() / 15
    torch.testing.assert_close(features.grad, exact)
    # The best denoiser of N(0, 1) under noise of variance v is x / (1 + v): the gradient is then
    # that of the squared length, that is minus the score's direction.
    denoiser = nn.Linear(1, 1, bias=False)
    nn.init.constant_(denoiser.weight, 1 / 1.25)
    one = torch.tensor([[2.0]], requires_grad=True)
    denoised_distance(denoiser, one).backward()
    assert one.grad is not None and float(one.grad) == pytest.approx(2 * 2 * (1 - 0.8))


def test_class_loss_is_the_cross_entropy_of_one_more_class_with_a_logit_of_0() -> None:
    torch.manual_seed(0)
    real, fake, labels = torch.randn(4, 3), torch.randn(4, 3), torch.tensor([0, 2, 1, 1])

    def log_probabilities(logits: Tensor) -> Tensor:
        return F.log_softmax(torch.cat((logits, torch.zeros(len(logits), 1)), 1), 1)

    is_real = torch.log1p(-log_probabilities(real)[:, 3].exp())
    unsupervised = -(is_real.mean() + log_probabilities(fake)[:, 3].mean()) / 2
    exact = F.cross_entropy(real, labels) + unsupervised
    torch.testing.assert_close(class_loss(real, labels, fake), exact)


def test_moments_of_a_linear_network_are_means_of_images_and_a_constant_gradient() -> None:
    torch.manual_seed(0)
    shape = critics.Shape(32, 1)
    network = critics.build("dcgan", shape, critics.Heads())
    network.blocks = nn.Sequential(nn.Flatten())
    network.head = nn.Linear(3 * 32 * 32, 1)
    images = torch.randn(4, 3, 32, 32)
    mean = images.mean(0).flatten()
    # f = w x + b: the gradient by w is the mean image, by b it is 1.
    exact = torch.cat((mean, mean, mean, torch.ones(1)))
    torch.testing.assert_close(moments(network, images), exact)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))
