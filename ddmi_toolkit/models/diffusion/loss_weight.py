"""How much the error at each noise level counts in training."""

from torch import Tensor

from ...registry import MODELS
from .base import AbstractLossWeight


@MODELS.register_module()
class MinSNR(AbstractLossWeight):
    """``min(snr, gamma)``, so that nearly clean latents do not dominate (Hang et al. 2023).

    For a noise prediction it is the published ``min(snr, gamma) / snr``, for ``v`` it is
    ``min(snr, gamma) / (snr + 1)``.

    Args:
        gamma: Signal-to-noise ratio ``(alpha / sigma) ** 2`` from which on the weight is constant.

    Raises:
        ValueError: ``gamma`` is not positive.
    """

    def __init__(self, gamma: float = 5.0) -> None:
        super().__init__()
        if gamma <= 0:
            raise ValueError(f'gamma={gamma} must be positive, a signal-to-noise ratio such as 5')
        self.gamma = gamma

    def forward(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Weight of the squared error of the denoised latent."""
        return (alpha / sigma).square().clamp(max=self.gamma)


@MODELS.register_module()
class P2(AbstractLossWeight):
    """``snr / (k + snr) ** gamma``, which favors the noise levels where content forms.

    From Choi et al. 2022; the first ``snr`` is the weight of a noise prediction.

    Args:
        gamma: How strongly nearly clean latents are played down; 0 is a noise prediction's loss.
        k: Keeps the weight finite for pure noise.

    Raises:
        ValueError: ``gamma`` is negative or ``k`` not positive.
    """

    def __init__(self, gamma: float = 1.0, k: float = 1.0) -> None:
        super().__init__()
        if gamma < 0 or k <= 0:
            raise ValueError(f'P2 needs gamma >= 0 and k > 0, got gamma={gamma}, k={k}')
        self.gamma, self.k = gamma, k

    def forward(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Weight of the squared error of the denoised latent."""
        snr = (alpha / sigma).square()
        return snr / (self.k + snr) ** self.gamma


@MODELS.register_module()
class EDMWeight(AbstractLossWeight):
    """``(sigma ** 2 + sigma_data ** 2) / (sigma * sigma_data) ** 2`` (Karras et al. 2022).

    ``sigma`` is here the paper's, our ``sigma / alpha``. It makes the loss of
    :class:`EDMPreconditioning` with the same ``sigma_data`` a plain squared error.

    Args:
        sigma_data: Standard deviation of the clean latents.

    Raises:
        ValueError: ``sigma_data`` is not positive.
    """

    def __init__(self, sigma_data: float = 1.0) -> None:
        super().__init__()
        if sigma_data <= 0:
            raise ValueError(
                f'sigma_data={sigma_data} must be positive, the standard deviation of the latents'
            )
        self.sigma_data = sigma_data

    def forward(self, alpha: Tensor, sigma: Tensor) -> Tensor:
        """Weight of the squared error of the denoised latent."""
        return (alpha / sigma).square() + self.sigma_data**-2
