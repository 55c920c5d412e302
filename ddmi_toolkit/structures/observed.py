"""Inputs as values at places: what is fitted to them needs no encoder of a kind of data."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from .coords import pixel_centers
from .layout import PlaneLayout


def observed_values(inputs: Any, layout: PlaneLayout) -> tuple[dict[str, Tensor], Tensor]:
    """A batch's inputs as a query and the values that are observed there.

    Args:
        inputs: A raster ``(B, C, *S)`` of values at the centers of its cells, the last axis of
            the layout first (rows, columns; frames, rows, columns); or ``dict(query, target)``,
            any query that a renderer takes, as ``ObserveTarget`` packs them.
        layout: Coordinate axes.

    Returns:
        Query, and target ``(B, *S, C)``.

    Raises:
        ValueError: Neither of both, or a raster over other axes.
    """
    if isinstance(inputs, Mapping):
        if set(inputs) != {'query', 'target'}:
            raise ValueError(
                f'observed values are dict(query, target), got the keys {sorted(inputs)}; end the '
                f"pipeline with dict(type='ObserveTarget')"
            )
        return dict(inputs['query']), inputs['target']
    if inputs.ndim != 2 + layout.dim:
        raise ValueError(
            f'inputs of shape {tuple(inputs.shape)} are no raster (B, C, *S) over the axes '
            f'{"".join(layout.axes)!r}, whose values at cell centers could be observed; end the '
            f"pipeline with dict(type='ObserveTarget') to observe the target"
        )
    axes = list(layout.axes.values())[::-1]
    query = {
        axis.name: pixel_centers(axis, n).to(inputs).expand(len(inputs), -1)
        for axis, n in zip(axes, inputs.shape[2:], strict=True)
    }
    return query, inputs.movedim(1, -1)
