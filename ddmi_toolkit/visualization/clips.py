"""Clips as still pictures: frames in a row, and slices through time."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..structures import Field, PlaneLayout, magnified_size
from .media import as_picture, image_grid

NUM_SHOWN = 8
"""Frames of a strip."""


def check_clip_axes(layout: PlaneLayout) -> None:
    """Refuse what is no clip.

    Raises:
        ValueError: The axes are not x, y and t, in this order.
    """
    if tuple(layout.axes) != ('x', 'y', 't'):
        raise ValueError(
            f"a clip has the axes 'xyt', in this order, got {''.join(layout.axes)!r}; rename or "
            f'reorder them in the layout'
        )


def frame_size(
    layout: PlaneLayout, longest: int, region: Sequence[float] | None = None
) -> tuple[int, int]:
    """``(rows, columns)`` of frames in the shape of a region, the longer side given.

    Raises:
        ValueError: The layout is no clip's, or the length or the region does not fit.
    """
    check_clip_axes(layout)
    _, rows, columns = magnified_size(layout, 1000, region)  # fine: rounding keeps the shape
    unit = longest / max(rows, columns)
    return max(round(unit * rows), 1), max(round(unit * columns), 1)


def picture_strip(pictures: Tensor, num_shown: int = NUM_SHOWN) -> np.ndarray:
    """Pictures ``(T, H, W, C)`` with values in [-1, 1] in a row, on white.

    Args:
        pictures: Frames or views.
        num_shown: How many of them, evenly spread; all if there are no more.

    Returns:
        ``(H, n * (W + 2) - 2, 3)`` uint8.
    """
    total = len(pictures)
    count = min(num_shown, total)
    chosen = [(2 * k + 1) * total // (2 * count) for k in range(count)]
    return image_grid([as_picture(pictures[i]) for i in chosen], columns=count)


def draw_clip(
    field: Field,
    size: int,
    num_frames: int = NUM_SHOWN,
    region: Sequence[float] | None = None,
) -> np.ndarray:
    """Frames of a field at evenly spaced times in a row, ``(h, w, 3)`` uint8.

    Args:
        field: A batch of one, values in [-1, 1].
        size: Pixels along the longer side of a frame.
        num_frames: Frames shown.
        region: See :meth:`Field.render`.
    """
    rows, columns = frame_size(field.layout, size, region)
    return picture_strip(field.render((num_frames, rows, columns), region)[0], num_frames)


def draw_slices(
    field: Field, size: int, region: Sequence[float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What the middle row and the middle column of the frames show over time.

    Args:
        field: A batch of one, values in [-1, 1].
        size: Pixels along the longer side of a slice, which has the shape of a frame.
        region: See :meth:`Field.render`.

    Returns:
        Slice xt, time running down, and slice yt, time running to the right; each ``(h, w, 3)``
        uint8.
    """
    rows, columns = frame_size(field.layout, size, region)
    xt = field.render((rows, 1, columns), region)[0, :, 0]
    yt = field.render((columns, rows, 1), region)[0, :, :, 0]
    return as_picture(xt), as_picture(yt.transpose(0, 1))


def draw_sheet(
    field: Field,
    size: int,
    num_frames: int = NUM_SHOWN,
    region: Sequence[float] | None = None,
) -> np.ndarray:
    """Frames in a row, then the slices xt and yt, ``(h, w, 3)`` uint8; see :func:`draw_clip`."""
    strip = draw_clip(field, size, num_frames, region)
    slices = image_grid(draw_slices(field, size, region))
    gap = np.full((len(strip), 2, 3), 255, np.uint8)
    return np.concatenate([strip, gap, slices], axis=1)
