"""A generator in two parts: from noise to codes, and a decoder that makes images of them."""

import itertools

import torch
from torch import Tensor, nn

from gfmn.generators.dcgan import DCGAN
from gfmn.generators.registry import GENERATORS

WIDTHS = (64, 256, 256, 1024)  # of the hidden layers (Li et al., ICML 2015)


@GENERATORS.register("dcgan_of_codes")
class CodedDCGAN(nn.Module):
    """z (B x latent) -> codes (B x latent) in (-1, 1) -> images (B x 3 x S x S) in [-1, 1].

    Codes come from a perceptron with ReLUs, images from `dcgan`, an autoencoder's decoder.
    """

    def __init__(self, image_size: int = 32, latent: int = 100) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise((latent, *WIDTHS)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.codes = nn.Sequential(*layers, nn.Linear(WIDTHS[-1], latent))
        self.decoder = DCGAN(image_size, latent)

    def train(self, mode: bool = True) -> "CodedDCGAN":
        """A decoder that is not trained on stays in evaluation mode."""
        super().train(mode)
        if not any(weight.requires_grad for weight in self.decoder.parameters()):
            self.decoder.eval()
        return self

    def encode(self, z: Tensor) -> Tensor:
        """The codes of B latents, float32."""
        codes: Tensor = self.codes(z)
        return torch.tanh(codes.float())

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        images: Tensor = self.decoder(self.encode(z))
        return images
