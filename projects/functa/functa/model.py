"""First stage of Functa: shared weights from which gradient steps find each item's latent."""

from typing import Any

import torch
from torch import Tensor, nn

from ddmi_toolkit.models import AbstractFirstStage
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import DiagonalGaussian, observed_values

LOG_VARIANCE = -30.0  # as small as a posterior's may be: latents are found, not drawn


@MODELS.register_module()
class Functa(AbstractFirstStage):
    """Meta-learned fields (Dupont et al. 2022, "From data to functa", section 3).

    An item's latent starts at zero and takes a few steps down the gradient of its own
    reconstruction loss, with the shared weights fixed (the inner loop). Training moves the shared
    weights, and the learning rates of the steps, so that the field after the steps is good: it
    differentiates through the steps (CAVIA; learned rates: Meta-SGD).

    Observations are values at places, see :func:`observed_values`. The latent of an item depends
    on its own observations alone, not on the batch (up to rounding).

    Args:
        layout: Arguments of :class:`PlaneLayout`; published latents are one vector.
        latent_channels: Channels ``C`` of the latent.
        generator: Config of a generator; published: shifts of the biases of a ``Siren``, linear in
            the latent.
        renderer: Config of a renderer.
        losses: Name and config of each loss, that of the inner loop and of training. A loss must
            be a mean over the batch, as those of the package are.
        num_steps: Inner steps (published: 3).
        rate_range: Learning rates start uniform between these (published: 0.005 to 0.1), one for
            each number of the latent.
        max_rate: Learning rates are kept between 0 and this (published: 1).
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: No step, or rates that are not ``0 < low <= high <= max_rate``.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        latent_channels: int,
        generator: dict[str, Any],
        renderer: dict[str, Any],
        losses: dict[str, dict[str, Any]],
        num_steps: int = 3,
        rate_range: tuple[float, float] = (0.005, 0.1),
        max_rate: float = 1.0,
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(layout, latent_channels, data_preprocessor)
        low, high = rate_range
        if num_steps < 1:
            raise ValueError(f'num_steps={num_steps} must be at least 1')
        if not 0 < low <= high <= max_rate:
            raise ValueError(
                f'rate_range={tuple(rate_range)} must be 0 < low <= high <= max_rate={max_rate}'
            )
        self.num_steps, self.max_rate = num_steps, max_rate
        self.build_decoder(generator, renderer, losses)
        self.rates = nn.Parameter(torch.empty(self.latent_shape).uniform_(low, high))

    def extra_repr(self) -> str:
        """What latents depend on beside weights; the latent cache's key covers it."""
        return f'num_steps={self.num_steps}, max_rate={self.max_rate}'

    def encode(self, inputs: Any) -> DiagonalGaussian:
        """Latents after the inner loop, without uncertainty; see :meth:`fit`."""
        z = self.fit(*observed_values(inputs, self.layout))
        return DiagonalGaussian(torch.cat([z, torch.full_like(z, LOG_VARIANCE)], dim=1))

    def fit(self, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """Latents ``(B, C, N)`` of values, differentiable where gradients are enabled.

        Args:
            query: Places, as the renderer takes them.
            target: Values there ``(B, *S, C)``.
        """
        is_trained = torch.is_grad_enabled()
        rates = self.rates.clamp(0, self.max_rate)
        z = target.new_zeros((len(target), *self.latent_shape))
        with torch.enable_grad():
            for _ in range(self.num_steps):
                z = z if z.requires_grad else z.requires_grad_()
                loss = self._loss(z, query, target)
                # Times B: a loss is a mean over the batch, a step is that of each item alone.
                (slope,) = torch.autograd.grad(len(z) * loss, z, create_graph=is_trained)
                z = z - rates * slope
                z = z if is_trained else z.detach()
        return z

    def _loss(self, z: Tensor, query: dict[str, Tensor], target: Tensor) -> Tensor:
        pred = self.render(self.decode(z), query)
        return sum(self.compare(pred, target, query).values())

    def forward(
        self,
        inputs: Any,
        query: dict[str, Tensor],
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """Losses after the inner loop, or what the field found predicts.

        Args:
            inputs: What the inner loop observes, see :func:`observed_values`.
            query: Where training or a metric asks; published training asks what is observed.
            target: Values there ``(B, *S, C)``.
            cond: Unused.
            seed: Unused: nothing is drawn.
            meta: Read by metrics only.
            mode: ``'loss'`` or ``'predict'``.

        Returns:
            Loss terms by name, or one ``dict(pred, target, field)`` per sample.
        """
        field = self.decode(self.encode(inputs).mean)
        if mode == 'loss':
            losses = self.compare(self.render(field, query), target, query)
            return dict(losses, mean_rate=self.rates.detach().clamp(0, self.max_rate).mean())
        return self.predictions(field, query, target)
