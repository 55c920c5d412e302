"""How far apart two signals are, to which distances between latents shall be proportional."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ddmi_toolkit.registry import MODELS


class AbstractSignalDistance(nn.Module, ABC):
    """Distances between the observed signals of a batch."""

    @abstractmethod
    def forward(self, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """Symmetric ``(B, B)``, without gradients.

        Args:
            query: Places, as the renderer takes them.
            target: Values there ``(B, *S, C)``.
        """


@MODELS.register_module()
class MeanSquaredDistance(AbstractSignalDistance):
    """Mean squared difference of the values, of signals observed at the same places (pictures).

    Raises:
        ValueError: Places differ within the batch.
    """

    @torch.no_grad()
    def forward(self, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """See :class:`AbstractSignalDistance`."""
        for name, places in query.items():
            if not torch.equal(places, places[:1].expand_as(places)):
                raise ValueError(
                    f'MeanSquaredDistance compares values at the same places, but query[{name!r}] '
                    f"differs within the batch; for shapes use dict(type='OccupiedDistance')"
                )
        flat = target.flatten(1)
        return torch.cdist(flat, flat).square() / flat.shape[1]


@MODELS.register_module()
class OccupiedDistance(AbstractSignalDistance):
    """Chamfer distance between the places that are inside: of shapes, observed at any points.

    The sum of both means of distances (not squared) to the nearest inner point of the other; pairs
    of which one has none are infinitely far apart.

    Args:
        max_points: Inner points of a shape that are compared, the first of them.
    """

    def __init__(self, max_points: int = 256) -> None:
        super().__init__()
        if max_points < 1:
            raise ValueError(f'max_points={max_points} must be at least 1')
        self.max_points = max_points

    @torch.no_grad()
    def forward(self, query: dict[str, Tensor], target: Tensor) -> Tensor:
        """See :class:`AbstractSignalDistance`."""
        pairs = zip(query['points'], target[..., 0], strict=True)
        inside = [points[values > 0.5][: self.max_points] for points, values in pairs]
        found = target.new_zeros(len(inside), len(inside))
        for i, one in enumerate(inside):
            for j, other in enumerate(inside[:i]):
                found[i, j] = found[j, i] = _chamfer(one, other)
        return found


def _chamfer(one: Tensor, other: Tensor) -> Tensor:
    if not len(one) or not len(other):
        return one.new_tensor(torch.inf)
    distances = torch.cdist(one, other)
    return distances.min(1).values.mean() + distances.min(0).values.mean()
