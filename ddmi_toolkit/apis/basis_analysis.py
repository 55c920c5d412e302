"""What each scale of basis fields holds and adds (DDMI section 4.4), in numbers and maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..evaluation.basis_spectra import (
    CUTOFF,
    Spectrum,
    cosine_power,
    node_spacing,
    raster_spectrum,
    scale_spectra,
    shell_width,
)
from ..evaluation.functional import iou
from ..evaluation.image_quality import psnr
from ..layers.occupancy_grid import OccupancyGrid
from ..layers.view_rendering import cameras_around, render_views
from ..structures import (
    Field,
    Signal,
    basis_fields,
    feed_scales,
    fitted_size,
    magnified_size,
    mean_basis_vectors,
)
from ..visualization import PowerMap

UNFED = ('mean', 'zeros')
"""What takes the place of basis fields that are not fed."""

_NUM_VIEWS, _VIEW_SIZE = 4, 32  # what is compared of radiance fields, which are slow to render


@dataclass(frozen=True)
class BasisAnalysis:
    """What :func:`analyze_basis_fields` found.

    Args:
        scales: Numbers of each scale's basis fields, coarse to fine.
        outputs: Numbers of the outputs with 1, 2, ... scales fed.
        partial: The fields with 1, 2, ... scales fed, the whole ones last.
        maps: Mean energy of each scale over the frequencies of each plane.
    """

    scales: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    partial: list[list[Field]]
    maps: list[dict[str, PowerMap]]

    def report(self) -> dict[str, Any]:
        """The numbers, as json can write them."""
        return dict(scales=self.scales, outputs=self.outputs)


@torch.no_grad()
def analyze_basis_fields(
    fields: Sequence[Field],
    *,
    unfed: str = 'mean',
    cutoff: float = CUTOFF,
    size: int | None = None,
    threshold: float = 0.5,
) -> BasisAnalysis:
    """Spectrum of each scale's basis fields, and what is left when the finer scales are not fed.

    Args:
        fields: Batches of one, of one model.
        unfed: What stands for basis fields that are not fed. ``'mean'``, each channel's mean over
            the fields and the nodes of a plane, tells the read-out nothing about a sample or a
            place and is a value that it was trained on. ``'zeros'`` also takes away what a scale
            adds everywhere, such as a color, and the read-out may never have seen it.
        cutoff: Frequency above which energy is counted, in coarse Nyquist frequencies.
        size: Pixels along the longest side of the raster that outputs are compared at; None is
            one pixel per finest node.
        threshold: Occupancy probability of a surface.

    Raises:
        ValueError: There are no fields or they have no basis fields, or an argument does not fit.
    """
    if unfed not in UNFED:
        raise ValueError(f'unfed={unfed!r} must be one of {", ".join(UNFED)}')
    if not cutoff > 0:
        raise ValueError(f'cutoff={cutoff} must be positive, in coarse Nyquist frequencies')
    means = mean_basis_vectors(fields)  # complains first about fields that have none
    in_place = means if unfed == 'mean' else None
    counts = range(1, len(means) + 1)
    partial = [[feed_scales(f, n, in_place) for f in fields] for n in counts]
    return BasisAnalysis(
        _scales(fields, cutoff), _outputs(partial, cutoff, size, threshold), partial, _maps(fields)
    )


def observed(field: Field, size: int | None = None) -> Tensor:
    """What outputs are compared by, ``(1, *S, C)``.

    Lines, pictures and clips are values in [-1, 1] at the pixels of a raster, surfaces occupancy
    probabilities, radiance fields views from all sides.

    Args:
        field: A batch of one.
        size: Pixels along the longest side of the raster; None is one pixel per finest node.
    """
    if field.signal is Signal.RADIANCE:
        side = size or _VIEW_SIZE
        cameras = cameras_around(field, _NUM_VIEWS, (side, side))
        grid = OccupancyGrid.of_field(field, 32)
        views = render_views(field, cameras, num_samples=32, num_importance=24, grid=grid)
        return views.color[None]
    raster = magnified_size(field.layout, 1) if size is None else fitted_size(field.layout, size)
    values = field.render(raster)
    return values.sigmoid() if field.signal is Signal.SURFACE else values.clamp(-1, 1)


def similarity(
    part: Tensor, whole: Tensor, signal: Signal, threshold: float = 0.5
) -> tuple[str, float]:
    """Name and value of how close two outputs of :func:`observed` are, IoU or PSNR in dB."""
    if signal is Signal.SURFACE:
        inside = [(x > threshold).flatten().cpu().numpy() for x in (part, whole)]
        return 'iou_to_all', float(iou(*inside))
    return 'psnr_to_all', psnr((part + 1) / 2, (whole + 1) / 2).item()


def summary(values: Sequence[float] | Tensor) -> dict[str, float | None]:
    """Mean and standard deviation over samples; None where they are undefined or infinite."""
    values = np.asarray(values, dtype=np.float64)
    mean = float(values.mean())
    std = float(values.std(ddof=1)) if len(values) > 1 and isfinite(mean) else None
    return dict(mean=mean if isfinite(mean) else None, std=std)


def _scales(fields: Sequence[Field], cutoff: float) -> list[dict[str, Any]]:
    """Numbers of each scale's basis fields."""
    width, levels = shell_width(fields[0]), basis_fields(fields[0])
    found = []
    per_scale = zip(*(scale_spectra(field) for field in fields), strict=True)
    for level, spectra in zip(levels, per_scale, strict=True):
        found.append(
            dict(
                nodes={plane: list(x.shape[2:]) for plane, x in level.items()},
                variance=summary(torch.cat([s.variance for s in spectra])),
                **_shares(spectra, cutoff),
                spectrum=_mean_shells(spectra, width),
            )
        )
    return found


def _shares(spectra: Sequence[Spectrum], cutoff: float) -> dict[str, Any]:
    return dict(
        share_above=summary(torch.cat([s.share_above(cutoff) for s in spectra])),
        white_noise_above=spectra[0].white_noise_above(cutoff),
    )


def _mean_shells(spectra: Sequence[Spectrum], width: float) -> dict[str, list[float | None]]:
    """Share of the energy by frequency, mean over samples that have any."""
    middles, _ = spectra[0].shells(width)
    shares = torch.cat([s.shells(width)[1] for s in spectra]).nanmean(0)
    return dict(
        frequency=middles.tolist(), share=[v if isfinite(v) else None for v in shares.tolist()]
    )


def _outputs(
    partial: Sequence[Sequence[Field]], cutoff: float, size: int | None, threshold: float
) -> list[dict[str, Any]]:
    """Numbers of the outputs with 1, 2, ... scales fed."""
    signal, spectra, close = partial[0][0].signal, [[] for _ in partial], [[] for _ in partial]
    name = ''
    for same in zip(*partial, strict=True):
        values = [observed(field, size) for field in same]
        for i, part in enumerate(values):
            name, value = similarity(part, values[-1], signal, threshold)
            close[i].append(value)
            if signal is not Signal.RADIANCE:  # the frequencies of views are no field's
                spectra[i].append(raster_spectrum(same[-1], part))
    return [
        {
            'num_scales': i + 1,
            name: summary(close[i]),
            **(_shares(spectra[i], cutoff) if spectra[i] else {}),
        }
        for i in range(len(partial))
    ]


def _maps(fields: Sequence[Field]) -> list[dict[str, PowerMap]]:
    """Mean energy of each scale over the frequencies of each plane."""
    scales = list(zip(*(basis_fields(field) for field in fields), strict=True))
    corners = fields[0].layout.align_corners

    def spacing(level: Mapping[str, Tensor], plane: str) -> tuple[float, ...]:
        return node_spacing(level[plane].shape[2:], corners)

    def power_map(levels: Sequence[Mapping[str, Tensor]], plane: str) -> PowerMap:
        power = torch.stack([cosine_power(level[plane])[0] for level in levels]).mean(0)
        pairs = zip(spacing(scales[0][0], plane), spacing(levels[0], plane), strict=True)
        rows, columns = (coarse / own for coarse, own in pairs)
        return PowerMap(power.cpu().numpy(), (rows, columns))

    return [{plane: power_map(levels, plane) for plane in levels[0]} for levels in scales]
