"""Diffusion Probabilistic Fields: a generative model of one stage."""

from math import prod
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseModel
from torch import Tensor

from ddmi_toolkit.models.generators.plain import plain
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import (
    Field,
    PlaneLayout,
    as_coords,
    pixel_centers,
    seeded_normal,
    seeded_uniform,
)

from .evaluator import ContextEvaluator, normalize
from .set_transformer import Pairs


@MODELS.register_module()
class DiffusionField(BaseModel):
    """Diffusion on sets of coordinate-value pairs (DPF, Zhuang et al. 2023).

    In training, random pairs of an observed function are noised; some of them are the context,
    and the network denoises all of them from it. The values that are diffused lie in [-1, 1] and
    are the values of generated fields: colors as they are, occupancies as -1 outside and 1 inside,
    so that fields have a sign as logits have.

    A field is generated from a standard normal ``z (B, C, N)``, the coefficients of its initial
    noise, by a deterministic sampler (see :class:`ContextEvaluator`). The points of its context
    are a fixed random part of the layout's nodes.

    Args:
        layout: Arguments of :class:`PlaneLayout`; planes are not used.
        out_channels: Channels ``C`` of a value.
        denoiser: Config of the network, see :class:`SetTransformer`.
        diffuser: Config of the :class:`Diffuser`, with a deterministic sampler.
        num_context: Pairs ``M`` of the context.
        num_queries: Further pairs that are denoised in training.
        target_range: Values of a data set that become -1 and 1.
        data_preprocessor: Config of mmengine's data preprocessor.

    Raises:
        ValueError: There is no context, the layout has too few nodes for it, or the range is empty.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        out_channels: int,
        denoiser: dict[str, Any],
        diffuser: dict[str, Any],
        num_context: int = 256,
        num_queries: int = 256,
        target_range: tuple[float, float] = (-1.0, 1.0),
        data_preprocessor: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor)
        self.layout = PlaneLayout.from_config(layout)
        self.out_channels = out_channels
        low, high = target_range
        if not low < high:
            raise ValueError(f'target_range={target_range} must be (low, high) with low < high')
        self.middle, self.half = (low + high) / 2, (high - low) / 2
        if num_queries < 0:
            raise ValueError(f'num_queries={num_queries} must not be negative')
        self.num_context, self.num_queries = num_context, num_queries
        self.spec = dict(
            type=ContextEvaluator.__name__,
            layout=self.layout.config,
            channels=out_channels,
            denoiser=plain(denoiser),
            diffuser=plain(diffuser),
        )
        self.evaluator = MODELS.build(self.spec)
        self.register_buffer('context_coords', _some_nodes(self.layout, num_context))

    @property
    def latent_shape(self) -> tuple[int, int]:
        """Shape ``(C, N)`` of what one field is generated from."""
        return self.out_channels, self.evaluator.noise.num_coefficients

    def prior(self, seeds: Tensor) -> Tensor:
        """Standard normal ``z (B, C, N)``, row ``i`` a function of ``seeds[i]``."""
        nodes = self.context_coords
        return seeded_normal(seeds, self.latent_shape, 'sample', nodes.device, nodes.dtype)

    def decode(self, z: Tensor) -> Field:
        """Fields of standard normal ``z (B, C, N)``."""
        coords = normalize(self.context_coords, self.layout).expand(len(z), -1, -1)
        state = self.evaluator.denoise_context(coords, z)
        return Field(self.evaluator, state, self.layout, self.out_channels, self.spec)

    def forward(
        self,
        inputs: Any = None,
        query: dict[str, Tensor] | None = None,
        target: Tensor | None = None,
        cond: Any = None,
        seed: Tensor | None = None,
        meta: dict[str, Any] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | list[dict[str, Any]]:
        """The diffusion loss of a batch, or fields generated from seeds.

        Args:
            inputs: Unused; there is no encoder.
            query: Where the functions were observed, points or a grid; for generated fields, where
                they are evaluated, or None.
            target: Observed values ``(B, *S, C)``.
            cond: Unused; the model is unconditional.
            seed: ``(B,)`` int64; everything drawn for sample ``i`` depends on ``seed[i]`` alone.
            meta: Read by metrics and hooks only.
            mode: ``'loss'`` or ``'predict'``.

        Returns:
            ``dict(loss_diffusion)``, or one ``dict(seed, field, pred)`` per seed.
        """
        if mode == 'loss':
            return dict(loss_diffusion=self._loss(query, target, seed).mean())
        with torch.no_grad():
            field = self.decode(self.prior(seed))
            pred = None if query is None else field(as_coords(query, self.layout))
        return [
            dict(seed=int(s), field=field[i], pred=None if pred is None else pred[i])
            for i, s in enumerate(seed)
        ]

    def _loss(self, query: dict[str, Tensor], target: Tensor, seed: Tensor | None) -> Tensor:
        """Squared error per sample ``(B,)`` over context and queries."""
        coords, values = self._draw_pairs(query, target, seed)

        def net(values: Tensor, level: Tensor, cond: None = None) -> Tensor:
            m = self.num_context
            context = Pairs(coords[:, :m], values[..., :m])
            return self.evaluator.denoiser(context, Pairs(coords, values), level)

        return self.evaluator.diffuser.loss(net, values, seeds=seed)

    def _draw_pairs(self, query: dict[str, Tensor], target: Tensor, seed: Tensor | None) -> Pairs:
        """Random pairs of each function, those of the context first."""
        coords = as_coords(query, self.layout).dense().flatten(1, -2)  # (B, Q, D)
        values = (target.flatten(1, -2) - self.middle) / self.half  # (B, Q, C)
        available, wanted = values.shape[1], self.num_context + self.num_queries
        if wanted > available:
            raise ValueError(
                f'num_context={self.num_context} and num_queries={self.num_queries} ask for '
                f'{wanted} pairs of a sample with {available}; lower them, or let the data set '
                f'give more'
            )
        if seed is None:
            order = torch.rand(len(values), available, device=values.device)
        else:
            order = seeded_uniform(seed, 'pairs', values.device, (available,))
        chosen = order.argsort(dim=1)[:, :wanted, None]  # (B, N, 1)
        coords = normalize(coords, self.layout).take_along_dim(chosen, 1)
        return Pairs(coords, values.take_along_dim(chosen, 1).transpose(1, 2))


def _some_nodes(layout: PlaneLayout, count: int) -> Tensor:
    """``count`` cell centers ``(1, M, D)`` of a layout in data units, always the same ones."""
    sizes = [axis.size for axis in layout.axes.values()]
    if not 1 <= count <= prod(sizes):
        raise ValueError(
            f'num_context={count} must be between 1 and the {prod(sizes)} nodes of the layout; '
            f'change it, or the sizes of the axes'
        )
    chosen = np.random.default_rng(0).permutation(prod(sizes))[:count]
    along = [
        pixel_centers(axis, axis.size)[torch.as_tensor(index)]
        for axis, index in zip(layout.axes.values(), np.unravel_index(chosen, sizes), strict=True)
    ]
    return torch.stack(along, dim=-1)[None]
