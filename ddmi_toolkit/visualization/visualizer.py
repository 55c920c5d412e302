"""Fields as pictures, whatever they are a function of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.visualization import Visualizer
from torch import Tensor

from ..geometry.isosurface import extract_mesh
from ..geometry.raycast import render_mesh
from ..registry import VISUALIZERS
from ..structures import Field, Signal, fitted_size, magnified_size
from .clips import draw_clip, picture_strip
from .media import as_picture, image_grid
from .views import draw_views


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
    """Graph of the first channel of a field over a line, ``(size, size, 3)`` uint8.

    Where there are more nodes than pixels, each column of pixels spans all values in it: one value
    of each would show waves that are not there.
    """
    per_pixel = -(-magnified_size(field.layout, 1)[0] // size)
    values = field.render((size * per_pixel,))[0, :, 0].clamp(-1, 1)
    height = ((1 - values) / 2 * (size - 1)).round().long().cpu()
    before = torch.cat([height[:1], height[:-1]])  # the graph has no gaps
    ends = torch.stack([height, before]).view(2, size, per_pixel)
    image = np.full((size, size, 3), 255, np.uint8)
    for x, (low, high) in enumerate(zip(ends.amin((0, 2)), ends.amax((0, 2)), strict=True)):
        image[low : high + 1, x] = 40
    return image


@VISUALIZERS.register_module()
class FieldVisualizer(Visualizer):
    """mmengine's visualizer that also draws fields: surfaces, pictures, graphs, strips of several.

    What is drawn follows from the field's signal.

    Args:
        name: Name of the instance.
        vis_backends: Configs of where scalars and pictures go.
        save_dir: Folder of the backends.
        size: Pixels of the picture of a field, along its longer side; of a clip's frames half, of
            views a third as many.
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
        """Picture of a batch of one, ``(h, w, 3)`` uint8.

        Raises:
            ValueError: There is no picture of such a signal.
        """
        if field.signal is Signal.SURFACE:
            return draw_surface(field, self.size, self.threshold, self.resolution)
        if field.signal not in _DRAWN:
            raise ValueError(
                f'no picture of {field.signal.value}, a field over the axes '
                f'{"".join(field.layout.axes)!r}'
            )
        return _DRAWN[field.signal](field, self.size)

    def draw_fields(self, fields: Sequence[Field], columns: int = 4) -> np.ndarray:
        """Pictures of several fields in rows, ``(H, W, 3)`` uint8; one clip in each row."""
        return self._rows([self.draw_field(f) for f in fields], fields[0], columns)

    def draw_reconstructions(
        self, outputs: Sequence[Mapping[str, Any]], columns: int = 4
    ) -> np.ndarray:
        """What a stage-1 model predicts, in rows, ``(H, W, 3)`` uint8.

        Where the target is a picture, it is drawn before the prediction; where it is several
        (frames or views), they are drawn in a row above those of the prediction; else the field
        is drawn.

        Args:
            outputs: ``dict(pred, target, field)`` of each sample.
            columns: Pictures per row, an even number.
        """
        images = []
        for output in outputs:
            target, field = output['target'], output['field']
            draw = None if target is None else _TARGETS.get((field.signal, target.ndim))
            if draw is None:
                images.append(self.draw_field(field))
            else:
                images += [draw(target), draw(output['pred'])]
        return self._rows(images, outputs[0]['field'], columns)

    def _rows(self, images: Sequence[np.ndarray], field: Field, columns: int) -> np.ndarray:
        """A grid of pictures, or of strips, which are wide."""
        return image_grid(images, 1 if field.signal in _STRIPS else columns)


_DRAWN: dict[Signal, Callable[[Field, int], np.ndarray]] = {
    Signal.LINE: draw_line,
    Signal.PICTURE: draw_plane,
    Signal.CLIP: lambda field, size: draw_clip(field, size // 2),
    Signal.RADIANCE: lambda field, size: draw_views(field, size // 3),
}
_STRIPS = (Signal.CLIP, Signal.RADIANCE)
_TARGETS: dict[tuple[Signal, int], Callable[[Tensor], np.ndarray]] = {
    (Signal.PICTURE, 3): as_picture,
    (Signal.CLIP, 4): picture_strip,
    (Signal.RADIANCE, 4): picture_strip,
}
"""How targets of so many dimensions are drawn."""
