"""Fields as pictures, whatever they are a function of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.visualization import Visualizer

from ..geometry.isosurface import extract_mesh
from ..geometry.raycast import render_mesh
from ..registry import VISUALIZERS
from ..structures import Field, fitted_size
from .media import as_picture, image_grid


def draw_surface(field: Field, size: int, threshold: float, resolution: int) -> np.ndarray:
    """Shaded iso-surface of a field over space, ``(size, size, 3)`` uint8."""
    return render_mesh(extract_mesh(field, resolution, threshold), size)


def draw_plane(
    field: Field,
    size: int | Sequence[int],
    region: Sequence[float] | None = None,
    *,
    cell: float | None = None,
) -> np.ndarray:
    """Values in [-1, 1] of a field over a plane, ``(H, W, 3)`` uint8; the second axis runs down.

    One channel is gray, the first three of more are colors.

    Args:
        field: A batch of one.
        size: ``(rows, columns)``, or the longer side, the shape then following from the region.
        region: See :meth:`Field.render`.
        cell: See :meth:`Field.render`.
    """
    if isinstance(size, int):
        size = fitted_size(field.layout, size, region)
    return as_picture(field.render(size, region, cell=cell)[0])


def draw_line(field: Field, size: int) -> np.ndarray:
    """Graph of the first channel of a field over a line, ``(size, size, 3)`` uint8."""
    height = (
        ((1 - field.render((size,))[0, :, 0].clamp(-1, 1)) / 2 * (size - 1)).round().long().cpu()
    )
    image = np.full((size, size, 3), 255, np.uint8)
    ends = torch.stack([height, height.roll(1).index_copy(0, torch.tensor([0]), height[:1])])
    for x, (low, high) in enumerate(zip(ends.amin(0), ends.amax(0), strict=True)):
        image[low : high + 1, x] = 40
    return image


@VISUALIZERS.register_module()
class FieldVisualizer(Visualizer):
    """mmengine's visualizer that also draws fields: surfaces, pictures or graphs.

    What is drawn follows from the number of coordinate axes of the field's layout.

    Args:
        name: Name of the instance.
        vis_backends: Configs of where scalars and pictures go.
        save_dir: Folder of the backends.
        size: Pixels of the picture of a field, along its longer side.
        resolution: Cells of the iso-surface extraction.
        threshold: Occupancy probability of the surface.
    """

    def __init__(
        self,
        name: str = 'visualizer',
        vis_backends: list[dict[str, Any]] | None = None,
        save_dir: str | None = None,
        size: int = 192,
        resolution: int = 64,
        threshold: float = 0.5,
    ) -> None:
        super().__init__(name, vis_backends=vis_backends, save_dir=save_dir)
        self.size, self.resolution, self.threshold = size, resolution, threshold

    def draw_field(self, field: Field) -> np.ndarray:
        """Picture of a batch of one, ``(h, w, 3)`` uint8, the longer side of ``size`` pixels.

        Raises:
            ValueError: The layout has more than three axes.
        """
        dim = field.layout.dim
        if dim == 3:
            return draw_surface(field, self.size, self.threshold, self.resolution)
        if dim == 2:
            return draw_plane(field, self.size)
        if dim == 1:
            return draw_line(field, self.size)
        raise ValueError(f'no picture of a field over {dim} axes {list(field.layout.axes)}')

    def draw_fields(self, fields: Sequence[Field], columns: int = 4) -> np.ndarray:
        """Pictures of several fields in rows, ``(H, W, 3)`` uint8."""
        return image_grid([self.draw_field(f) for f in fields], columns)

    def draw_reconstructions(
        self, outputs: Sequence[Mapping[str, Any]], columns: int = 4
    ) -> np.ndarray:
        """What a stage-1 model predicts, in rows, ``(H, W, 3)`` uint8.

        Where the target is a picture, it is drawn before the prediction; else the field is.

        Args:
            outputs: ``dict(pred, target, field)`` of each sample.
            columns: Pictures per row, an even number.
        """
        images = []
        for output in outputs:
            target, field = output['target'], output['field']
            if target is not None and target.ndim == 1 + field.layout.dim == 3:
                images += [as_picture(target), as_picture(output['pred'])]
            else:
                images.append(self.draw_field(field))
        return image_grid(images, columns)
