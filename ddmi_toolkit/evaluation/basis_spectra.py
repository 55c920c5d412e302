"""Which frequencies the basis fields of each scale hold, and what is rendered from them.

Frequencies are relative to the coarsest scale's Nyquist frequency along each axis, so that planes
of unequal sides and axes that are not resampled need no case of their own:
``u = |(f_a / nyquist_a)_a|`` over the axes ``a`` of a plane, frequencies in cycles per box. A
scale of twice the nodes reaches up to 2 along each axis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from ..structures import Field, basis_fields

CUTOFF = 0.5
"""Half the coarse Nyquist frequency: above it are the finest details of the coarsest scale."""

_ROUNDING = 1e-12  # of the energy; float32 nodes of equal values differ by a square of 1e-7


def cosine_power(values: Tensor) -> Tensor:
    """Energy of each cosine of samples at cell centers, ``(B, C, *S)`` to ``(B, *S)``.

    The orthonormal discrete cosine transform (DCT-II) along each axis, squared, summed over
    channels and divided by the number of nodes, so that the sum over all coefficients is the mean
    over nodes of the squared length of a vector (Parseval). Coefficient ``k`` of ``n`` nodes
    ``1 / n`` apart has ``k / 2`` cycles per box.

    A Fourier transform repeats the box, and the jump from its end to its start has energy at all
    frequencies: 24 % of a ramp of 32 nodes seem to lie above 2 cycles per box, half the Nyquist
    frequency of 8 nodes. A window removes that, but it spreads each frequency over its neighbors,
    three of the five that 8 nodes have, and hardly sees the border. The cosine transform mirrors
    the box: there is no jump (0.2 % of the ramp), all nodes weigh the same, and the slope at the
    border is that of the lookup, which repeats the border. The mean is a coefficient of its own.
    """
    coefficients = values.double()
    for dim in range(2, values.ndim):
        cosines = _cosines(values.shape[dim]).to(values.device)
        coefficients = (coefficients.movedim(dim, -1) @ cosines.T).movedim(-1, dim)
    return coefficients.square().sum(1) / prod(values.shape[2:])


def node_spacing(shape: Sequence[int], align_corners: bool) -> tuple[float, ...]:
    """Distance of the nodes along each axis, in lengths of the box."""
    return tuple(1 / max(n - align_corners, 1) for n in shape)


def relative_frequencies(
    shape: Sequence[int], spacing: Sequence[float], coarse: Sequence[float]
) -> Tensor:
    """Frequency of each coefficient of :func:`cosine_power`, ``(*S)`` float64.

    Args:
        shape: Nodes along each axis.
        spacing: Distance of the nodes along each axis, in lengths of the box.
        coarse: That of the coarsest scale.

    Returns:
        In units of the coarse Nyquist frequency along each axis (one cycle per two coarse nodes);
        the Euclidean norm over the axes.
    """
    squares = torch.zeros(tuple(shape), dtype=torch.float64)
    for dim, (n, step, unit) in enumerate(zip(shape, spacing, coarse, strict=True)):
        u = torch.arange(n, dtype=torch.float64) / n * (unit / step)
        squares += u.square().view(-1, *[1] * (len(shape) - dim - 1))
    return squares.sqrt()


@dataclass(frozen=True)
class Spectrum:
    """Energy over frequency, the planes of a scale taken together.

    Args:
        frequency: Relative frequency of each coefficient, ``(K,)``; that of the mean is 0.
        energy: ``(B, K)``, see :func:`cosine_power`; the sum over planes where there are several.
        white_noise: Expected energy of independent values of variance 1, ``(K,)``.
    """

    frequency: Tensor
    energy: Tensor
    white_noise: Tensor

    @classmethod
    def of(
        cls,
        planes: Sequence[Tensor],
        spacings: Sequence[Sequence[float]],
        coarse: Sequence[Sequence[float]],
    ) -> 'Spectrum':
        """Spectrum of samples ``(B, C, *S)``, one tensor per plane.

        Args:
            planes: Values at cell centers.
            spacings: Distances of nodes of each plane, in lengths of the box.
            coarse: Those of the coarsest scale.
        """
        frequency, energy, noise = [], [], []
        for values, spacing, unit in zip(planes, spacings, coarse, strict=True):
            shape = values.shape[2:]
            frequency.append(relative_frequencies(shape, spacing, unit).flatten())
            energy.append(cosine_power(values).flatten(1).cpu())
            noise.append(torch.full((prod(shape),), 1 / prod(shape), dtype=torch.float64))
        return cls(torch.cat(frequency), torch.cat(energy, 1), torch.cat(noise))

    @property
    def variance(self) -> Tensor:
        """Energy without the mean over nodes, ``(B,)``."""
        return self.energy[:, self.frequency > 0].sum(1)

    def share_above(self, cutoff: float = CUTOFF) -> Tensor:
        """Share of the energy without the mean that lies above a frequency, ``(B,)``.

        Not a number where there is no energy but the mean's.
        """
        return _share_above(self.frequency, self.energy, cutoff)

    def white_noise_above(self, cutoff: float = CUTOFF) -> float:
        """The share that white noise would have, for comparison."""
        return float(_share_above(self.frequency, self.white_noise[None], cutoff))

    def shells(self, width: float) -> tuple[Tensor, Tensor]:
        """Energy without the mean by frequency.

        Args:
            width: Width of a shell; the resolution of the coarsest axis leaves none of them empty.

        Returns:
            Middle of each shell ``(M,)``, multiples of the width, the first one with the lowest
            frequencies; and the share of the energy in each ``(B, M)``, which sum to 1.
        """
        index = (self.frequency / width).round().long()
        varying = torch.where(self.frequency > 0, self.energy, 0)
        total = torch.zeros(len(varying), int(index.max()) + 1, dtype=torch.float64)
        total.index_add_(1, index, varying)
        return width * torch.arange(total.shape[1]), total / total.sum(1, keepdim=True)


def scale_spectra(field: Field) -> list[Spectrum]:
    """Spectrum of each scale's basis fields, coarse to fine.

    Raises:
        ValueError: The field has no basis fields.
    """
    levels = basis_fields(field)
    spacings = [
        [node_spacing(x.shape[2:], field.layout.align_corners) for x in level.values()]
        for level in levels
    ]
    pairs = zip(levels, spacings, strict=True)
    return [Spectrum.of(list(level.values()), own, spacings[0]) for level, own in pairs]


def raster_spectrum(field: Field, values: Tensor) -> Spectrum:
    """Spectrum of values of a field at the pixels of its whole box.

    Args:
        field: Its coarsest basis fields are the unit of frequencies.
        values: ``(B, *S, C)`` as :meth:`Field.render` gives them.
    """
    unit = coarse_spacing(field)
    shape = values.shape[1:-1]
    coarse = [unit[axis] for axis in reversed(field.layout.axes)]
    return Spectrum.of([values.movedim(-1, 1)], [node_spacing(shape, False)], [coarse])


def coarse_spacing(field: Field) -> Mapping[str, float]:
    """Distance of the coarsest nodes along each axis, in lengths of the box."""
    layout, found = field.layout, {}
    for plane, x in basis_fields(field)[0].items():
        names = plane[::-1] if plane not in layout.transposed else plane  # rows, columns
        spacing = node_spacing(x.shape[2:], layout.align_corners)
        found |= dict(zip(names, spacing[-len(names) :], strict=True))
    return found


def shell_width(field: Field) -> float:
    """Width of shells that no scale of a field leaves empty: its coarsest resolution."""
    sides = [n for x in basis_fields(field)[0].values() for n in x.shape[2:] if n > 1]
    return 1 / min(sides, default=1)


def _cosines(n: int) -> Tensor:
    """Orthonormal DCT-II as a matrix ``(n, n)`` float64, one cosine per row."""
    k = torch.arange(n, dtype=torch.float64)
    matrix = torch.cos(torch.pi / n * k[:, None] * (k + 0.5)) * (2 / n) ** 0.5
    matrix[0] /= 2**0.5
    return matrix


def _share_above(frequency: Tensor, energy: Tensor, cutoff: float) -> Tensor:
    varying = energy[:, frequency > 0].sum(1)
    above = energy[:, frequency > cutoff * (1 + 1e-9)].sum(1)  # rounding of frequencies
    return torch.where(varying > _ROUNDING * energy.sum(1), above / varying, torch.nan)
