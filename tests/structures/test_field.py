"""Fields as functions: gradients, chunks, batches."""

import numpy as np
import pytest
import torch
from torch import nn

from ddmi_toolkit.structures import Field, Grid, PlaneLayout, Points

LAYOUT = PlaneLayout(
    [dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'],
    ['xy', 'yz', 'xz'],
    align_corners=True,
)


class Quadratic(nn.Module):
    """``f(x) = (a |x|^2, b x_0)`` with ``a`` and ``b`` in the state."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()
        weight = state['ab'].view(-1, *[1] * (x.ndim - 2), 2)
        return torch.stack([(x**2).sum(-1), x[..., 0]], -1) * weight


def quadratic() -> Field:
    return Field(Quadratic(), {'ab': torch.tensor([[1.0, 2.0], [3.0, -1.0]])}, LAYOUT, 2)


class PlaneSum(nn.Module):
    """Sum of the plane lookups."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return sum(
            coords.spread(p, LAYOUT.sample(p, state[p], coords.project(p))) for p in LAYOUT.planes
        )


def plane_field(batch: int = 2) -> Field:
    torch.manual_seed(0)
    state = {p: torch.randn(batch, 3, *LAYOUT.shape(p, 1)) for p in LAYOUT.planes}
    return Field(PlaneSum(), state, LAYOUT, 3)


def test_gradient_of_a_quadratic_is_analytic():
    x = torch.rand(2, 7, 3) - 0.5
    grad = quadratic().gradient(x)
    ab = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
    torch.testing.assert_close(grad[..., 0, :], 2 * ab[:, None, :1] * x)
    want = torch.zeros(2, 7, 3)
    want[..., 0] = ab[:, 1:]
    torch.testing.assert_close(grad[..., 1, :], want)


def test_gradient_agrees_with_central_differences_inside_cells():
    field = plane_field()
    nodes = LAYOUT.nodes('x')
    step = (nodes[1] - nodes[0]).item()
    cell = torch.randint(0, 7, (2, 30, 3), generator=torch.Generator().manual_seed(1))
    x = nodes[cell] + step * (0.2 + 0.6 * torch.rand(2, 30, 3))
    h = 0.05 * step
    grad = field.gradient(x)
    for axis in range(3):
        e = torch.zeros(3)
        e[axis] = h
        numeric = (field(x + e) - field(x - e)) / (2 * h)
        torch.testing.assert_close(grad[..., axis], numeric, atol=1e-3, rtol=1e-3)


def test_gradient_keeps_the_shape_of_a_grid():
    grid = Grid({a: torch.rand(2, n) - 0.5 for a, n in zip('zyx', (2, 3, 4), strict=True)}, LAYOUT)
    grad = quadratic().gradient(grid)
    assert grad.shape == (2, 2, 3, 4, 2, 3)
    torch.testing.assert_close(grad[0, ..., 0, :], 2 * grid.dense()[0])


@pytest.mark.parametrize('max_queries', [1, 10, 1000])
def test_chunks_do_not_change_values(max_queries):
    field = plane_field()
    x = torch.rand(2, 37, 3) - 0.5
    whole = field(x)
    bound = 1e-6 * whole.abs().max().item()
    torch.testing.assert_close(field.chunked(x, max_queries), whole, atol=bound, rtol=0)
    grid = Grid({a: torch.rand(2, 5) - 0.5 for a in 'xyz'}, LAYOUT)
    torch.testing.assert_close(field.chunked(grid, max_queries), field(grid), atol=bound, rtol=0)


class Shaded(nn.Module):
    """The cosine between position and direction."""

    def forward(self, state, coords, *, scale=None, dirs=None):
        return (coords.dense() * dirs).sum(-1, keepdim=True)


@pytest.mark.parametrize('max_queries', [1, 10, 1000])
def test_directions_are_cut_with_their_queries(max_queries):
    field = Field(Shaded(), {'x': torch.zeros(2)}, LAYOUT, 1)
    x, dirs = torch.rand(2, 37, 3), torch.rand(2, 37, 3)
    assert torch.equal(field.chunked(x, max_queries, dirs=dirs), field(x, dirs=dirs))
    grid = Grid({a: torch.rand(2, 5) for a in 'zxy'}, LAYOUT)
    dirs = torch.rand(2, 5, 5, 5, 3)
    assert torch.equal(field.chunked(grid, max_queries, dirs=dirs), field(grid, dirs=dirs))
    with pytest.raises(ValueError, match=r'dirs of shape \(2, 5, 3\) do not fit .* \(37,\)'):
        field.chunked(x, max_queries, dirs=torch.rand(2, 5, 3))


def test_order_of_queries_does_not_change_values():
    field, x = plane_field(), torch.rand(2, 37, 3) - 0.5
    order = torch.randperm(37)
    torch.testing.assert_close(field(x[:, order]), field(x)[:, order], atol=1e-6, rtol=0)


def test_one_of_a_batch_is_the_same_function():
    field, x = plane_field(3), torch.rand(3, 11, 3) - 0.5
    whole = field(x)
    for i in (0, 1, 2, -1):
        torch.testing.assert_close(field[i](x[i : i + 1] if i >= 0 else x[i:]), whole[i][None])
    assert len(field[1:]) == 2
    for index in (1, np.int64(1), torch.tensor(1), -2, np.int32(-2)):
        assert len(field[index]) == 1
        assert torch.equal(field[index].state['xy'], field.state['xy'][1:2])
    for index in (3, np.int64(3), torch.tensor(-4)):
        with pytest.raises(IndexError, match=r'field (3|-4) of a batch of 3'):
            field[index]
    with pytest.raises(TypeError):
        field[1.0]


def test_wrong_batch_is_named():
    with pytest.raises(ValueError, match='coordinates for 1 fields given to a batch of 2'):
        plane_field()(Points(torch.zeros(1, 4, 3), LAYOUT))
