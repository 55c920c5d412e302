"""Pictures of fields from named directions, for networks that look at pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..geometry.isosurface import check_resolution_and_threshold, extract_mesh
from ..geometry.raycast import Camera, render_mesh
from ..layers.view_rendering import cameras_around, render_views
from ..structures import Field, Signal, to_uint8


@dataclass(frozen=True)
class FieldViews:
    """How fields are looked at.

    A surface is meshed and shaded gray-blue on white with y up; a radiance field is rendered in
    its own colors on white with z up; a picture is itself, whatever the views are.

    Args:
        azimuths: Degrees around the upward axis, one view each; 0 is the front.
        elevation: Degrees above the horizon.
        size: Pixels along each side.
        resolution: Cells per axis of the mesh of a surface.
        threshold: Occupancy probability at the surface.

    Raises:
        ValueError: No view, no pixel, or a resolution or threshold out of range.
    """

    azimuths: Sequence[float] = (30.0, 120.0, 210.0, 300.0)
    elevation: float = 25.0
    size: int = 224
    resolution: int = 64
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_resolution_and_threshold(self.resolution, self.threshold)
        if not len(self.azimuths) or self.size < 1:
            raise ValueError(
                f'azimuths={self.azimuths} and size={self.size}; at least one view of at least '
                f'one pixel is needed'
            )

    def __call__(self, field: Field) -> Tensor:
        """Pictures ``(V, 3, size, size)`` uint8 of a batch of one.

        Raises:
            ValueError: The field is none of these.
        """
        if field.signal == Signal.SURFACE:
            return self._surface(field)
        if field.signal == Signal.RADIANCE:
            return self._radiance(field)
        if field.signal == Signal.PICTURE and field.out_channels == 3:
            with torch.no_grad():
                return to_uint8(field.render((self.size, self.size))).movedim(-1, 1).cpu()
        raise ValueError(
            f'{field.signal.value} with {field.out_channels} channels is not looked at; expected '
            f'a surface, a radiance field or a color picture'
        )

    def _surface(self, field: Field) -> Tensor:
        mesh = extract_mesh(field, self.resolution, self.threshold)
        views = [
            render_mesh(mesh, self.size, camera=Camera(azimuth, self.elevation))
            for azimuth in self.azimuths
        ]
        return torch.from_numpy(np.stack(views)).movedim(-1, 1)

    def _radiance(self, field: Field) -> Tensor:
        cameras = [
            camera
            for azimuth in self.azimuths
            for camera in cameras_around(
                field,
                1,
                (self.size, self.size),
                elevation_deg=self.elevation,
                start_deg=azimuth,
            )
        ]
        return to_uint8(render_views(field, cameras).color).movedim(-1, 1).cpu()

    def protocol(self) -> dict[str, Any]:
        """What the pictures depend on."""
        return dict(
            views=f'azimuths {list(self.azimuths)} at elevation {self.elevation:g} degrees',
            view_size=self.size,
            mesh_resolution=self.resolution,
            threshold=self.threshold,
        )
