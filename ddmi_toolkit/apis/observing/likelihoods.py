"""How probable observations are, as the loss that the first stage was trained with says."""

import torch.nn.functional as F
from torch import Tensor, nn

from ...models.diffusion import AbstractLikelihood
from ...models.losses import BCELoss, L1Loss, MSELoss
from ...structures import Observations

NOISE = 0.05
"""Standard deviation of values around the field, where nothing says how exact they are: that of a
reconstruction with a PSNR of 32 dB."""


class NormalLikelihood(AbstractLikelihood):
    """Values lie around predictions with normal noise.

    Args:
        observations: What is observed.
        noise: Standard deviation, in the values' units.

    Raises:
        ValueError: Noise that is not positive.
    """

    def __init__(self, observations: Observations, noise: float | None = None) -> None:
        noise = NOISE if noise is None else noise
        if not noise > 0:
            raise ValueError(f'noise={noise} must be a positive standard deviation of the values')
        self.values, self.noise = observations.values, noise
        self._weight = observations.observed.to(self.values) / noise**2

    def nll(self, pred: Tensor) -> Tensor:
        """Half the sum of squares of standardized residuals, ``(B,)``."""
        return (self._weight * (pred - self.values).square()).flatten(1).sum(1) / 2

    def gradient(self, pred: Tensor) -> Tensor:
        """``(B, Q, C)``."""
        return self._weight * (pred - self.values)

    def curvature(self, pred: Tensor) -> Tensor:
        """``(B, Q, C)``, constant."""
        return self._weight.expand_as(pred)


class BernoulliLikelihood(AbstractLikelihood):
    """Values are occupancies, predictions their logits.

    Args:
        observations: What is observed, values in [0, 1].
        noise: Logits have none; only None is accepted.

    Raises:
        ValueError: Values that are no occupancies, or noise.
    """

    def __init__(self, observations: Observations, noise: float | None = None) -> None:
        if noise is not None:
            raise ValueError(
                f'noise={noise} does not apply to occupancies, whose likelihood is that of their '
                f'logit; a value between 0 and 1 says how sure one is'
            )
        self.values, self._seen = observations.values, observations.observed
        low, high = float(self.values.min()), float(self.values.max())
        if low < 0 or high > 1:
            raise ValueError(
                f'occupancies are between 0 (outside) and 1 (inside), 0.5 on the surface; got '
                f'values from {low:.4g} to {high:.4g}'
            )

    def nll(self, pred: Tensor) -> Tensor:
        """Cross entropy in nats, ``(B,)``."""
        nats = F.binary_cross_entropy_with_logits(
            pred, self.values.expand_as(pred), reduction='none'
        )
        return (self._seen * nats).flatten(1).sum(1)

    def gradient(self, pred: Tensor) -> Tensor:
        """``(B, Q, C)``."""
        return self._seen * (pred.sigmoid() - self.values)

    def curvature(self, pred: Tensor) -> Tensor:
        """``(B, Q, C)``: that of the tightest parabola above (Jaakkola and Jordan 2000).

        The second derivative itself vanishes where a logit is sure, and wrong.
        """
        half = pred.abs().clamp(min=1e-3) / 2
        return self._seen * half.tanh() / (4 * half)


_KINDS: dict[type[nn.Module], type[AbstractLikelihood]] = {
    BCELoss: BernoulliLikelihood,
    L1Loss: NormalLikelihood,
    MSELoss: NormalLikelihood,
}


def likelihood_of(
    autoencoder: nn.Module, observations: Observations, noise: float | None = None
) -> AbstractLikelihood:
    """The likelihood that belongs to a first stage's reconstruction loss.

    Cross entropies of logits are those of occupancies; absolute and squared errors become normal
    noise.

    Args:
        autoencoder: First stage.
        observations: What is observed.
        noise: Standard deviation of the values, where they have one (default :data:`NOISE`).

    Raises:
        ValueError: None of its losses compares values with observations, or noise or values that
            do not fit.
    """
    losses = getattr(autoencoder, 'losses', {})
    for loss in losses.values():
        for kind, likelihood in _KINDS.items():
            if isinstance(loss, kind):
                return likelihood(observations, noise)
    names = ', '.join(type(loss).__name__ for loss in losses.values()) or 'no loss of values'
    raise ValueError(
        f'{type(autoencoder).__name__} is trained with {names}: nothing says how far a value may '
        f'be from an observation; use a model trained with one of {[k.__name__ for k in _KINDS]}'
    )
