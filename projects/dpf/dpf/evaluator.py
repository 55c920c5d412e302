"""A diffused field as a function: context pairs are denoised once, any query along with them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import Coords, PlaneLayout

from .noise import LatticeNoise
from .set_transformer import Pairs


@MODELS.register_module()
class ContextEvaluator(nn.Module):
    """Denoises queried points along the way that the context of a field took.

    Queries do not see each other, so what a sampler makes of a point depends on the context's
    noisy values at each step and on the point's own initial noise alone. Both belong to the field:
    the first are recorded when the context is denoised (:meth:`denoise_context`), the second is
    the value of one random function (:class:`LatticeNoise`). A point of the context is denoised to
    the value that the context ends with.

    Args:
        layout: Arguments of :class:`PlaneLayout`; its axes' sizes are the lattice's.
        channels: Channels ``C`` of a value.
        denoiser: Config of the network ``(context, query, level) -> output``.
        diffuser: Config of the :class:`Diffuser`.

    Raises:
        ValueError: The sampler adds noise on the way.
    """

    def __init__(
        self,
        layout: dict[str, Any],
        channels: int,
        denoiser: dict[str, Any],
        diffuser: dict[str, Any],
    ) -> None:
        super().__init__()
        self.layout = PlaneLayout.from_config(layout)
        self.denoiser = MODELS.build(
            denoiser, default_args=dict(num_coords=self.layout.dim, channels=channels)
        )
        self.diffuser = MODELS.build(
            diffuser, role='Diffuser', default_args=dict(layout=self.layout, channels=channels)
        )
        if not self.diffuser.sampler.is_deterministic:
            raise ValueError(
                f'{type(self.diffuser.sampler).__name__} adds noise on the way, which a field at '
                f'points that are not known yet has no place for; use '
                f"sampler=dict(type='DDIM', num_steps=50, eta=0.0)"
            )
        self.noise = LatticeNoise([axis.size for axis in self.layout.axes.values()])

    def denoise_context(self, coords: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """The state of fields: what evaluates them at other points.

        Args:
            coords: Points of the context ``(B, M, D)``, each axis in [-1, 1].
            noise: Coefficients of the initial noise ``(B, C, K)``.

        Returns:
            ``context_coords`` and ``noise`` as given, and ``context (B, S, C, M)``, what the
            network saw of the context's values at each of its ``S`` evaluations.
        """
        seen: list[Tensor] = []

        def net(values: Tensor, level: Tensor, cond: None = None) -> Tensor:
            seen.append(values)
            pairs = Pairs(coords, values)
            return self.denoiser(pairs, pairs, level)

        self._descend(net, self.noise(noise, coords))
        return dict(context_coords=coords, context=torch.stack(seen, dim=1), noise=noise)

    def forward(
        self,
        state: Mapping[str, Tensor],
        coords: Coords,
        scale: Tensor | None = None,
        dirs: Tensor | None = None,
    ) -> Tensor:
        """Values ``(B, *S, C)`` of the fields of a state, see :meth:`denoise_context`."""
        points = normalize(coords.dense(), self.layout)  # (B, *S, D)
        flat = points.flatten(1, -2)
        where, steps = state['context_coords'], iter(state['context'].unbind(1))

        def net(values: Tensor, level: Tensor, cond: None = None) -> Tensor:
            return self.denoiser(Pairs(where, next(steps)), Pairs(flat, values), level)

        values = self._descend(net, self.noise(state['noise'], flat))
        return values.transpose(1, 2).unflatten(1, points.shape[1:-1])

    def _descend(self, net: Any, noise: Tensor) -> Tensor:
        """From noise to data ``(B, C, N)``, with gradients if they are wanted."""
        denoise = partial(self.diffuser.denoise, net)
        return self.diffuser.sampler(denoise, self.diffuser.schedule, noise)


def normalize(coords: Tensor, layout: PlaneLayout) -> Tensor:
    """Coordinates ``(..., D)`` in data units to [-1, 1] along each axis."""
    axes = [layout.normalize(name, coords[..., i]) for i, name in enumerate(layout.axes)]
    return torch.stack(axes, dim=-1)
