"""GMMN: the maximum mean discrepancy of pixels under a fixed mixture of Gaussian kernels.

Li, Swersky and Zemel, *Generative Moment Matching Networks*, ICML 2015, arXiv:1502.02761, eq. 3 and
section 4.3. As there: the square root of the biased estimate, minibatches of 1,000. Scales are
those of its published code for digits, 2 to 80, doubled, since pixels here are in [-1, 1], not in
[0, 1].

Deviations: the generator is the study's, not fully connected, and its noise normal, not uniform;
ADAM with 1e-3 for stochastic gradient descent with momentum.
"""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from gfmn.baselines.base import Batch, Method, Setting
from gfmn.baselines.config import METHODS, BaselineConfig, Scales
from gfmn.baselines.kernels import gaussian, root, squared_mmd
from gfmn.common.bounds import BATCH, RATE


@METHODS.register("gmmn")
class GMMNConfig(BaselineConfig):
    """Parameters of GMMN."""

    has_classes: ClassVar[bool] = False

    method: Literal["gmmn"]
    critic: Literal["none"] = "none"
    scales: Scales = (4.0, 10.0, 20.0, 40.0, 80.0, 160.0)  # of the kernels, in distances of pixels
    batch: int = Field(1000, ge=2, le=BATCH)
    lr: float = Field(1e-3, gt=0, le=RATE)

    def build(self, setting: Setting) -> Method:
        """As in the base class."""
        return GMMN(self.scales)


class GMMN(Method):
    """L_G = MMD(real, fake) of images as vectors of pixels; there is no critic."""

    uses_real = True

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.kernel = gaussian(scales)

    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """See the class."""
        assert real is not None
        x, y = (batch.images.flatten(1) for batch in (real, fake))
        return root(squared_mmd(self.kernel, x, y))
