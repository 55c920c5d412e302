"""The encoder's distribution over latents."""

import torch
from torch import Tensor


class DiagonalGaussian:
    """``N(mean, diag(exp(logvar)))`` over latents, the posterior of DDMI section 3.1.

    Args:
        moments: ``(B, 2C, N)``: mean and log-variance stacked on channels. The log-variance is
            clamped to [-30, 20] as in latent diffusion models.
    """

    def __init__(self, moments: Tensor) -> None:
        if moments.ndim != 3 or moments.shape[1] % 2:
            raise ValueError(f'moments must be (B, 2C, N), got shape {tuple(moments.shape)}')
        self.moments = moments
        self.mean, logvar = moments.chunk(2, dim=1)
        self.logvar = logvar.clamp(-30, 20)

    def sample(
        self, generator: torch.Generator | None = None, noise: Tensor | None = None
    ) -> Tensor:
        """A draw ``(B, C, N)``; ``noise`` of that shape replaces the generator's."""
        if noise is None:
            noise = torch.randn(
                self.mean.shape,
                generator=generator,
                device=self.mean.device,
                dtype=self.mean.dtype,
            )
        return self.mean + (0.5 * self.logvar).exp() * noise

    def kl(self) -> Tensor:
        """Divergence from N(0, I), summed over the latent, in nats, ``(B,)``."""
        kl = 0.5 * (self.mean**2 + self.logvar.exp() - 1 - self.logvar)
        return kl.flatten(1).sum(1)
