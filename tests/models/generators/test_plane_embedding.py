"""Lookup of basis fields."""

import pytest
import torch

from ddmi_toolkit.models.generators import PlaneEmbedding
from ddmi_toolkit.structures import Points


def inner_points(layout, stride, queries=40):
    """Points between the outermost nodes, where bilinear lookup does not extrapolate."""
    torch.manual_seed(0)
    coords = []
    for name in layout.axes:
        nodes = layout.nodes(name, stride).double()
        coords.append(nodes[0] + (nodes[-1] - nodes[0]) * torch.rand(1, queries).double())
    return Points(torch.stack(coords, dim=-1), layout)


def linear_plane(layout, plane, stride, slopes):
    """Basis field whose value at a node is linear in the node's coordinates."""
    value = torch.zeros(layout.shape(plane, stride), dtype=torch.float64)
    for axis, name in enumerate(plane):
        nodes = slopes[name] * layout.nodes(name, stride).double()
        value = value + (nodes[None] if axis == 0 else nodes[:, None])
    return value[None, None]


@pytest.mark.parametrize('stride', [1, 2])
def test_bilinear_planes_reproduce_a_linear_field(layout, stride):
    slopes = {a: 0.5 + i for i, a in enumerate(layout.axes)}
    coords = inner_points(layout, stride)
    level = {p: linear_plane(layout, p, stride, slopes) for p in layout.planes}
    expected = torch.zeros(1, 40, dtype=torch.float64)
    for plane in layout.planes:
        for name in plane:
            i = list(layout.axes).index(name)
            expected += slopes[name] * coords.coords[..., i]
    out = PlaneEmbedding(layout, 'sum')([level], coords)[0][..., 0]
    torch.testing.assert_close(out, expected, atol=1e-5, rtol=1e-5)


def test_the_sum_of_the_concatenated_planes_is_the_sum(layout):
    coords = inner_points(layout, 1)
    levels = [
        {p: torch.randn(1, 3, *layout.shape(p, s)).double() for p in layout.planes} for s in (2, 1)
    ]
    total = PlaneEmbedding(layout, 'sum')(levels, coords)
    parts = PlaneEmbedding(layout, 'concat')(levels, coords)
    assert len(total) == len(parts) == 2
    for a, b in zip(total, parts, strict=True):
        split = b.unflatten(-1, (len(layout.planes), 3))
        torch.testing.assert_close(a, split.sum(-2))
    assert PlaneEmbedding(layout, 'concat').out_channels(3) == 3 * len(layout.planes)


def test_unknown_reduction_is_refused(layout):
    with pytest.raises(ValueError, match="'sum' or 'concat', got 'mean'"):
        PlaneEmbedding(layout, 'mean')
