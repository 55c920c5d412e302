"""Radiance fields in closed form."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ddmi_toolkit.structures import Field, PlaneLayout


class Analytic(nn.Module):
    """An evaluator that is a function of places (moved by the state) and directions."""

    def __init__(self, function: Callable[[Tensor, Tensor | None], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.calls: list[int] = []

    def forward(self, state, coords, scale=None, dirs=None):
        x = coords.dense()
        self.calls.append(x[..., 0].numel())
        shift = state['shift'].view(len(x), *[1] * (x.ndim - 2), 3)
        return self.function(x - shift.to(x.dtype), dirs)


def scene(
    function: Callable[[Tensor, Tensor | None], Tensor],
    shifts: Tensor | None = None,
    size: int = 32,
) -> Field:
    """A batch of fields in the box [-1, 1], moved by ``shifts (B, 3)``."""
    layout = PlaneLayout(
        [dict(name=a, size=size) for a in 'xyz'], ['xy', 'yz', 'xz'], align_corners=True
    )
    shifts = torch.zeros(1, 3) if shifts is None else shifts
    return Field(Analytic(function), dict(shift=shifts), layout, 4)


def balls(
    density: float = 200.0, softness: float = 0.02
) -> Callable[[Tensor, Tensor | None], Tensor]:
    """A red ball of radius 0.4 and a blue one beside it; the red one is brighter from above."""
    centers = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.5, 0.2]])
    radii, colors = (0.4, 0.2), torch.tensor([[0.8, -0.6, -0.6], [-0.7, -0.5, 0.9]])

    def values(x: Tensor, dirs: Tensor | None) -> Tensor:
        inside = torch.stack(
            [
                torch.sigmoid((r - (x - c.to(x)).norm(dim=-1)) / (softness / 4))
                for c, r in zip(centers, radii, strict=True)
            ],
            dim=-1,
        )
        color = inside @ colors.to(x) / (inside.sum(-1, keepdim=True) + 1e-6)
        if dirs is not None:
            color = color * (0.85 - 0.15 * dirs[..., 2:])
        return torch.cat([color, density * inside.amax(-1, keepdim=True)], dim=-1)

    return values


def slabs(
    parts: list[tuple[float, float, float, tuple[float, float, float]]],
) -> Callable[[Tensor, Tensor | None], Tensor]:
    """Layers ``(z0, z1, density, color)`` of constant density, without overlap."""

    def values(x: Tensor, dirs: Tensor | None) -> Tensor:
        out = x.new_zeros(*x.shape[:-1], 4)
        for low, high, density, color in parts:
            inside = ((x[..., 2] >= low) & (x[..., 2] < high))[..., None]
            out = torch.where(inside, x.new_tensor([*color, density]), out)
        return out

    return values
