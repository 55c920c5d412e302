"""The basis fields inside a field: where they lie, and fields that are fed fewer of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from .field import Field

Level = dict[str, Tensor]
"""Basis fields of one scale, ``{plane: (B, C, rows, cols)}``."""


def basis_key(level: int, plane: str) -> str:
    """Name of a basis field in the state of a field; scales count from 0, the coarsest."""
    return f'level{level}.{plane}'


def basis_fields(field: Field) -> list[Level]:
    """Basis fields of all scales, coarse to fine.

    Raises:
        ValueError: The field has none, because its weights were generated.
    """
    levels: list[Level] = []
    while basis_key(len(levels), field.layout.planes[0]) in field.state:
        i = len(levels)
        levels.append({plane: field.state[basis_key(i, plane)] for plane in field.layout.planes})
    if not levels:
        raise ValueError(
            f'a field of {type(field.evaluator).__name__} has no basis fields, its state has '
            f'{sorted(field.state)[:4]}; take a model whose generator is a PEGenerator'
        )
    return levels


def mean_basis_vectors(fields: Sequence[Field]) -> list[Level]:
    """Mean over fields and nodes of each plane of each scale, ``{plane: (1, C, 1, 1)}``.

    Raises:
        ValueError: There are no fields, or they have no basis fields.
    """
    if not fields:
        raise ValueError('a mean takes at least one field, got none')
    counts = [len(field) for field in fields]

    def mean(parts: Sequence[Tensor]) -> Tensor:
        sums = [
            n * part.mean(dim=(0, 2, 3), keepdim=True)
            for n, part in zip(counts, parts, strict=True)
        ]
        return sum(sums[1:], start=sums[0]) / sum(counts)

    scales = zip(*(basis_fields(field) for field in fields), strict=True)
    return [{p: mean([level[p] for level in same]) for p in same[0]} for same in scales]


def feed_scales(
    field: Field, num_scales: int, in_place: Sequence[Mapping[str, Tensor]] | None = None
) -> Field:
    """The function that remains when only the coarsest scales are fed to the read-out.

    Finer basis fields keep their size and become constant.

    Args:
        field: A field of a ``PEGenerator``.
        num_scales: How many scales are fed, the coarsest first; all of them give the field itself.
        in_place: Constant of each plane of each scale, such as :func:`mean_basis_vectors`, which
            leaves the read-out where it was trained; None is zero.

    Raises:
        ValueError: There are not so many scales, or no basis fields.
    """
    levels = basis_fields(field)
    if not 1 <= num_scales <= len(levels):
        raise ValueError(
            f'num_scales={num_scales} must be from 1 to {len(levels)}, as many as the field has'
        )
    state = dict(field.state)
    for i, level in enumerate(levels[num_scales:], num_scales):
        for plane, x in level.items():
            rest = x.new_zeros(()) if in_place is None else in_place[i][plane].to(x)
            state[basis_key(i, plane)] = rest.expand_as(x).contiguous()
    return replace(field, state=state)
