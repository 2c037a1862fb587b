"""GMMN+AE: the maximum mean discrepancy of an autoencoder's codes; its decoder makes the images.

Li, Swersky and Zemel, *Generative Moment Matching Networks*, ICML 2015, arXiv:1502.02761, section
3.2: the autoencoder is trained first and then frozen, and the generator makes codes alone. As
there: the square root of the biased estimate, minibatches of 1,000, a perceptron of hidden layers
of 64, 256, 256 and 1,024. Scales are those of its published code for the codes of faces, 1 to 40.

Deviations: the autoencoder is the study's (`dcgan_encoder` and `dcgan`, convolutional, codes in
(-1, 1), no dropout), the noise is normal and as long as the code, and the optimizer is ADAM.
"""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Scales
from gfmn.baselines.kernels import gaussian, root, squared_mmd
from gfmn.common.bounds import BATCH, RATE
from gfmn.generators import load_decoder
from gfmn.generators.coded import CodedDCGAN
from gfmn.networks import Encoder
from gfmn.networks.extractor_file import only_network, read_state


@METHODS.register("gmmn_ae")
class GMMNAEConfig(BaselineConfig):
    """Parameters of GMMN+AE."""

    has_classes: ClassVar[bool] = False
    encodes: ClassVar[bool] = True

    method: Literal["gmmn_ae"]
    critic: Literal["none"] = "none"
    generator: Literal["dcgan_of_codes"] = "dcgan_of_codes"
    scales: Scales = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)  # of the kernels, in distances of codes
    batch: int = Field(1000, ge=2, le=BATCH)
    lr: float = Field(1e-3, gt=0, le=RATE)

    @property
    def decoded_by(self) -> str:
        """The generator within the generator."""
        return "dcgan"

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return GMMNAE(self, setting)


class GMMNAE(Method):
    """L_G = MMD(codes of real images, codes made of noise); encoder and decoder are frozen."""

    uses_real = True

    def __init__(self, config: GMMNAEConfig, setting: Setting) -> None:
        super().__init__()
        if setting.extractor is None or setting.decoder is None:
            raise ValueError("expected files of an encoder and a decoder")
        self.kernel = gaussian(config.scales)
        header = only_network(setting.extractor)
        encoder = header.build()
        assert isinstance(encoder, Encoder)
        encoder.load_state_dict(read_state(setting.extractor, header), strict=False)
        self.encoder = encoder.requires_grad_(False).to(memory_format=torch.channels_last)
        size, latent = setting.image_size, config.latent
        self.decoder_state = load_decoder(setting.decoder, config.decoded_by, size, latent)

    def train(self, mode: bool = True) -> "GMMNAE":
        """The encoder stays in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        return self

    def prepare(self, generator: nn.Module) -> None:
        """Give the generator the decoder, which is not trained on."""
        assert isinstance(generator, CodedDCGAN) and self.decoder_state is not None
        generator.decoder.load_state_dict(self.decoder_state)
        generator.decoder.requires_grad_(False).eval()

    def generate(self, generator: nn.Module, z: Tensor) -> Tensor:
        """Codes, B x latent."""
        assert isinstance(generator, CodedDCGAN)
        return generator.encode(z)

    @torch.no_grad()
    def images(self, generator: nn.Module, generated: Tensor) -> Tensor:
        """See the base class."""
        assert isinstance(generator, CodedDCGAN)
        images: Tensor = generator.decoder(generated)
        return images

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        assert real is not None
        with torch.no_grad():
            codes = self.encoder.encode(real.images).float()
        return root(squared_mmd(self.kernel, codes, fake.images))
