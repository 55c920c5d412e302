"""Observation of radiance fields by cameras."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...layers.occupancy_grid import OccupancyGrid
from ...layers.ray_marching import render_rays
from ...registry import MODELS
from ...structures import Field, PlaneLayout
from .base import AbstractRenderer


@MODELS.register_module()
class VolumeRenderer(AbstractRenderer):
    """The prediction is the color that rays gather between their ends in the layout's box.

    Args:
        num_samples: Even samples per ray.
        num_importance: Further samples where these absorb, 0 for none (as published).
        background: Where nothing absorbs, a value in [-1, 1] or three of them; None: of the query.
        max_points: Without gradients, points placed at a time.
        grid_resolution: Without gradients, cells along each axis of the grid by which empty space
            is skipped; None: nothing is skipped.
        max_loss: Opacity that skipping may miss along a ray.

    Raises:
        ValueError: A background that is none of these.
    """

    def __init__(
        self,
        num_samples: int = 64,
        num_importance: int = 64,
        background: float | Sequence[float] | None = 1.0,
        max_points: int = 2**18,
        grid_resolution: int | None = None,
        max_loss: float = 5e-3,
    ) -> None:
        super().__init__()
        if background is not None:
            color = torch.as_tensor(background, device='cpu')  # read while models are on meta
            if color.shape not in ((), (3,)) or not (color.abs() <= 1).all():
                raise ValueError(
                    f'background={background} must be a value in [-1, 1], three of them, or None '
                    f"for query['background']"
                )
        self.background = background
        self.options = dict(
            num_samples=num_samples, num_importance=num_importance, max_points=max_points
        )
        self.grid_resolution, self.max_loss = grid_resolution, max_loss

    def forward(self, field: Field, query: Mapping[str, Tensor], layout: PlaneLayout) -> Tensor:
        """Colors ``(B, *S, 3)`` in [-1, 1].

        Args:
            field: A batch of radiance fields.
            query: ``origins (B, *S, 3)`` in data units and unit ``dirs (B, *S, 3)``; with
                ``seed (B,)`` the samples are jittered; ``background (B, 3)`` if it is to be read.
            layout: Axes of the coordinates, whose ends are the box.

        Raises:
            ValueError: The query lacks something.
        """
        needed = ('origins', 'dirs', *(['background'] if self.background is None else []))
        if missing := [k for k in needed if k not in query]:
            raise ValueError(f'query has the keys {list(query)}; rays need {missing} too')
        if self.grid_resolution is None or torch.is_grad_enabled():
            return self._render(field, query, None)
        colors = []
        for i in range(len(field)):
            grid = OccupancyGrid.of_field(field[i], self.grid_resolution, self.max_loss)
            colors.append(self._render(field[i], {k: v[i : i + 1] for k, v in query.items()}, grid))
        return torch.cat(colors)

    def _render(
        self, field: Field, query: Mapping[str, Tensor], grid: OccupancyGrid | None
    ) -> Tensor:
        return render_rays(
            field,
            query['origins'],
            query['dirs'],
            background=query['background'] if self.background is None else self.background,
            seed=query.get('seed'),
            grid=grid,
            **self.options,
        ).color
