"""Layouts, coordinates and lookups: the conventions that everything else relies on."""

import itertools
from math import prod

import pytest
import torch

from ddmi_toolkit.structures import Axis, Grid, PlaneLayout, Points, as_coords, pixel_centers

BOX = dict(low=-0.55, high=0.55)
AXES = {
    'plane': [dict(name='x', size=24), dict(name='y', size=16)],
    'clip': [
        dict(name='x', size=16),
        dict(name='y', size=24),
        dict(name='t', size=4, strided=False, low=0.0, high=3.0),
    ],
    'triplane': [dict(name=a, size=16, **BOX) for a in 'xyz'],
    'line': [dict(name='t', size=64, low=0.0, high=2.0)],
}
PLANES = {
    'plane': ['xy'],
    'clip': ['xy', 'xt', 'yt'],
    'triplane': ['xy', 'yz', 'xz'],
    'line': ['t'],
}
CASES = list(itertools.product(AXES, [False, True]))
layouts = pytest.mark.parametrize('kind, align', CASES)


def build(kind: str, align: bool = False, **kwargs) -> PlaneLayout:
    return PlaneLayout(AXES[kind], PLANES[kind], align_corners=align, **kwargs)


def linear_plane(layout: PlaneLayout, plane: str, stride: int = 1) -> torch.Tensor:
    """A plane that holds ``1 + 2 col + 3 row`` of its own node coordinates, ``(1, 1, r, c)``."""
    col = layout.nodes(plane[0], stride)
    row = layout.nodes(plane[1], stride) if len(plane) == 2 else torch.zeros(1)
    return (1 + 2 * col[None] + 3 * row[:, None])[None, None]


def inner_points(layout: PlaneLayout, stride: int = 1, n: int = 50) -> torch.Tensor:
    """Random points between the outermost nodes, ``(1, n, D)``."""
    torch.manual_seed(0)
    columns = []
    for name in layout.axes:
        nodes = layout.nodes(name, stride)
        columns.append(nodes[0] + (nodes[-1] - nodes[0]) * torch.rand(1, n))
    return torch.stack(columns, -1)


@layouts
def test_merge_inverts_split(kind, align):
    layout = build(kind, align)
    for stride in (1, 2, 4):
        z = torch.randn(2, 3, layout.num_tokens(stride))
        assert torch.equal(layout.merge(layout.split(z, stride)), z)


@layouts
def test_split_follows_the_order_of_planes(kind, align):
    """Token ``i`` of plane ``p`` is row-major and planes lie end to end in order."""
    layout = build(kind, align)
    z = torch.arange(layout.num_tokens(), dtype=torch.float)[None, None]
    start = 0
    for plane, part in layout.split(z).items():
        count = prod(layout.shape(plane, layout.latent_stride))
        assert part.flatten().tolist() == list(range(start, start + count))
        start += count


@layouts
def test_plane_sampled_at_its_own_nodes_is_itself(kind, align):
    """Guards axis order: reading ``xt`` transposed would fail here."""
    layout = build(kind, align)
    for plane in layout.planes:
        feature = torch.randn(2, 3, *layout.shape(plane, 1))
        grid = Grid({a: layout.nodes(a).expand(2, -1) for a in layout.axes}, layout)
        out = layout.sample(plane, feature, grid.project(plane))
        torch.testing.assert_close(out, feature, atol=1e-5, rtol=1e-5)


@layouts
@pytest.mark.parametrize('stride', [1, 2])
def test_bilinear_lookup_reproduces_linear_planes(kind, align, stride):
    """A function linear in the coordinates is exact between nodes, at every stride."""
    layout = build(kind, align)
    points = Points(inner_points(layout, stride), layout)
    names = list(layout.axes)
    for plane in layout.planes:
        feature = linear_plane(layout, plane, stride)
        got = points.spread(plane, layout.sample(plane, feature, points.project(plane)))[..., 0]
        want = 1 + 2 * points.coords[..., names.index(plane[0])]
        if len(plane) == 2:
            want = want + 3 * points.coords[..., names.index(plane[1])]
        torch.testing.assert_close(got, want, atol=2e-5, rtol=1e-5)


def test_transposed_planes_read_the_other_axis():
    """The published video lookup exchanges rows and columns; it is an option, never the default."""
    right, wrong = build('clip'), build('clip', transposed=['xt'])
    feature = torch.randn(1, 1, *right.shape('xt', 1))
    grid = torch.tensor([0.3, -0.7]).view(1, 1, 1, 2)
    assert torch.equal(
        wrong.sample('xt', feature, grid), right.sample('xt', feature, grid.flip(-1))
    )
    assert not torch.equal(wrong.sample('xt', feature, grid), right.sample('xt', feature, grid))


@layouts
def test_grid_equals_points(kind, align):
    """The separable lookup is the same function as querying every coordinate on its own."""
    layout = build(kind, align)
    for order in itertools.permutations(layout.axes):
        axes = {}
        for i, a in enumerate(order):
            axis = layout.axes[a]
            axes[a] = axis.low + (axis.high - axis.low) * torch.rand(2, 3 + i)
        grid = Grid(axes, layout)
        dense = grid.dense()
        assert dense.shape == (2, *grid.shape, layout.dim)
        points = Points(dense.flatten(1, -2), layout)
        for plane in layout.planes:
            feature = torch.randn(2, 5, *layout.shape(plane, 1))
            one, other = (
                c.spread(plane, layout.sample(plane, feature, c.project(plane)))
                for c in (grid, points)
            )
            torch.testing.assert_close(one, other.unflatten(1, grid.shape), atol=1e-6, rtol=0)


@layouts
def test_split_coordinates_cover_the_query_in_order(kind, align):
    layout = build(kind, align)
    grid = Grid({a: torch.rand(2, 5) for a in reversed(layout.axes)}, layout)
    points = Points(torch.rand(2, 23, layout.dim), layout)
    for coords in (grid, points):
        parts = list(coords.split(7))
        assert torch.equal(torch.cat([p.dense() for p in parts], 1), coords.dense())
        assert all(p.shape[0] == 1 or prod(p.shape) <= 7 for p in parts)


def test_pixel_centers_tile_the_axis():
    centers = pixel_centers(Axis('x', 8, low=2.0, high=4.0), 4)
    assert centers.tolist() == [2.25, 2.75, 3.25, 3.75]


@layouts
def test_cells_agree_with_the_nearest_node(kind, align):
    """With cell-edge layouts, the cell of a point is the one whose center is nearest."""
    layout = build(kind, False)
    points = inner_points(layout, n=200)
    names = list(layout.axes)
    for plane in layout.planes:
        cols = layout.shape(plane, 1)[1]
        near = [
            (points[..., names.index(a), None] - layout.nodes(a)).abs().argmin(-1) for a in plane
        ]
        want = near[0] if len(plane) == 1 else near[1] * cols + near[0]
        assert torch.equal(layout.cells(plane, points), want)


def test_cells_clamp_points_outside():
    layout = build('triplane')
    outside = torch.tensor([[[-9.0, -9.0, 0.0], [9.0, 9.0, 0.0]]])
    assert layout.cells('xy', outside).tolist() == [[0, 16 * 16 - 1]]


def test_per_token_repeats_plane_values():
    layout = build('clip')
    values = layout.per_token(torch.tensor([[1.0, 2.0, 3.0]]))
    parts = layout.split(values[None])
    assert [p.unique().tolist() for p in parts.values()] == [[1.0], [2.0], [3.0]]


def test_config_rebuilds_an_equal_layout():
    layout = build('clip', True, transposed=['yt'])
    assert PlaneLayout(**layout.config).config == layout.config


def test_as_coords_takes_points_or_all_axes():
    layout = build('clip')
    grid = as_coords({'t': torch.rand(1, 2), 'y': torch.rand(1, 3), 'x': torch.rand(1, 4)}, layout)
    assert grid.shape == (2, 3, 4)
    assert as_coords({'points': torch.rand(1, 5, 3)}, layout).shape == (5,)
    with pytest.raises(ValueError, match="expected 'points' or all of the axes 'xyt'"):
        as_coords({'x': torch.rand(1, 2)}, layout)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(planes=['xw']), r"unknown: \['w'\]"),
        (dict(planes=['xx']), 'two different letters'),
        (dict(planes=[]), 'planes is empty'),
        (dict(planes=['xy', 'xy']), 'plane names must differ'),
        (dict(latent_stride=3), 'power of two'),
        (dict(latent_stride=64), 'strided=False'),
        (dict(transposed=['xz']), r"transposed names \['xz'\]"),
        (dict(axes=[dict(name='xx', size=4)]), 'one letter'),
        (dict(axes=[dict(name='x', size=4, low=1.0, high=1.0)]), 'low < high'),
        (dict(axes=[dict(name='x', size=4)] * 2), 'axis names must differ'),
    ],
)
def test_bad_layouts_name_the_remedy(change, message):
    arguments = dict(axes=AXES['plane'], planes=['xy']) | change
    with pytest.raises(ValueError, match=message):
        PlaneLayout(**arguments)


def test_bad_shapes_are_named():
    layout = build('triplane')
    with pytest.raises(ValueError, match=r'\(1, 1, 7\).*expected \(B, C, 48\)'):
        layout.split(torch.zeros(1, 1, 7))
    with pytest.raises(ValueError, match=r'expected \(B, Q, 3\)'):
        Points(torch.zeros(1, 5, 2), layout)
    with pytest.raises(ValueError, match="the layout needs 'xyz'"):
        Grid({'x': torch.zeros(1, 2)}, layout)
    with pytest.raises(ValueError, match='this layout has'):
        layout.merge({'xy': torch.zeros(1, 1, 4, 4)})
    with pytest.raises(ValueError, match="unknown plane 'zx'"):
        layout.shape('zx', 1)
