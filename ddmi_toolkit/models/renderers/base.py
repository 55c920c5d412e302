"""What a renderer is."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from ...structures import Field, PlaneLayout


class AbstractRenderer(nn.Module, ABC):
    """How a field is observed: the only physics that differs between kinds of data."""

    @abstractmethod
    def forward(self, field: Field, query: Mapping[str, Tensor], layout: PlaneLayout) -> Tensor:
        """Prediction ``(B, *S, C)``, shaped like the targets, of what the query observes."""
