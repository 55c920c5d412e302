"""Rasters of fields: any size, region and filter, in bounded memory."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ddmi_toolkit.structures import Field, PlaneLayout, Raster

SQUARE = PlaneLayout([dict(name=a, size=16) for a in 'xy'], ['xy'])
WIDE = PlaneLayout(
    [dict(name='x', size=24, low=0.0, high=3.0), dict(name='y', size=8, low=-1.0, high=0.0)],
    ['xy'],
)
SPACE = PlaneLayout([dict(name=a, size=8) for a in 'xyz'], ['xy', 'yz', 'xz'], align_corners=True)
CLIP = PlaneLayout([dict(name='x', size=8), dict(name='y', size=4), dict(name='t', size=4)], ['xy'])
LINE = PlaneLayout([dict(name='t', size=32)], ['t'])


class Analytic(nn.Module):
    """A function of the coordinates; remembers how many queries and which scales it was given."""

    def __init__(self, function):
        super().__init__()
        self.function, self.queries, self.scales = function, [], []

    def forward(self, state, coords, *, scale=None, dirs=None):
        self.queries.append(math.prod(coords.shape))
        self.scales.append(scale)
        return self.function(coords.dense()) * state['gain'].view(-1, *[1] * len(coords.shape), 1)


def analytic(layout, function, batch=1, dtype=torch.float32):
    """Field of a function ``(B, *S, D) -> (B, *S, C)``; member ``i`` is ``i + 1`` times it."""
    return Field(Analytic(function), {'gain': torch.arange(1, batch + 1).to(dtype)}, layout, 1)


class ScaleAware(nn.Module):
    """Plane lookups whose frequencies and contrast depend on the scale, as modulated MLPs do."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout
        self.mix = nn.Linear(4, 3)

    def forward(self, state, coords, *, scale=None, dirs=None):
        h = sum(
            coords.spread(p, self.layout.sample(p, state[p], coords.project(p)))
            for p in self.layout.planes
        )
        style = scale.view(-1, *[1] * len(coords.shape), 1)
        return self.mix(torch.sin(h * (1 + style))) + style


def noise_field(layout, batch=1):
    """High frequencies everywhere: independent values at the nodes."""
    torch.manual_seed(0)
    state = {p: torch.randn(batch, 4, *layout.shape(p, 1)) for p in layout.planes}
    return Field(ScaleAware(layout).requires_grad_(False), state, layout, 3)


def psnr(a, b):
    """In dB, with the range of ``b`` as the peak."""
    return 10 * torch.log10((b.amax() - b.amin()).square() / (a - b).square().mean())


def test_rows_run_along_y_and_columns_along_x():
    image = analytic(WIDE, lambda x: x).render((2, 6))
    assert image.shape == (1, 2, 6, 2)
    torch.testing.assert_close(image[0, 0, :, 0], torch.arange(6) * 0.5 + 0.25)
    torch.testing.assert_close(image[0, :, 0, 1], torch.tensor([-0.75, -0.25]))


def test_volumes_and_lines_are_rendered_too():
    volume = analytic(CLIP, lambda x: x).render((2, 4, 8), region=(0, 0, -1, 1, 0.5, 1))
    assert volume.shape == (1, 2, 4, 8, 3)
    torch.testing.assert_close(volume[0, 0, 0, :, 0], (torch.arange(8) + 0.5) / 8)
    torch.testing.assert_close(volume[0, 0, :, 0, 1], (torch.arange(4) + 0.5) / 8)
    torch.testing.assert_close(volume[0, :, 0, 0, 2], torch.tensor([-0.5, 0.5]))
    wave = analytic(LINE, lambda x: x, batch=2).render((4,), cell=1)
    torch.testing.assert_close(wave[1, :, 0], 2 * torch.tensor([-0.75, -0.25, 0.25, 0.75]))


@pytest.mark.parametrize(
    'layout, size, region, expected',
    [
        (SQUARE, (16, 16), None, 1.0),
        (SQUARE, (32, 32), None, 0.5),
        (SQUARE, (24, 24), None, 2 / 3),
        (SQUARE, (16, 64), None, 0.5),  # geometric mean of 1 and 1/4
        (SQUARE, (16, 16), (0.0, 0.0, 0.5, 0.5), 0.25),
        (WIDE, (8, 24), None, 1.0),
        (SPACE, (7, 7, 7), None, 1.0),  # corners are nodes: 8 nodes span 7 spacings
    ],
)
def test_scale_is_the_pixels_size_in_node_spacings(layout, size, region, expected):
    field = analytic(layout, lambda x: x[..., :1], batch=2)
    field.render(size, region)
    torch.testing.assert_close(field.evaluator.scales[0], torch.full((2,), expected))
    assert Raster(layout, size, region).scale == pytest.approx(expected)
    field.render(size, region, scale=0.125)
    torch.testing.assert_close(field.evaluator.scales[-1], torch.full((2,), 0.125))


@pytest.mark.parametrize('cell', [None, 1.0, 1.7])
@pytest.mark.parametrize('layout, size', [(SQUARE, (48, 40)), (WIDE, (20, 60))])
def test_a_part_equals_the_crop_of_the_whole(layout, size, cell):
    field = noise_field(layout, batch=2)
    whole = field.render(size, cell=cell)
    (x, y), (h, w) = layout.axes.values(), size
    for top, left, rows, cols in [(0, 0, h, w), (3, 7, 11, 13), (h - 1, 0, 1, w), (5, w - 1, 3, 1)]:
        edges = [
            x.low + (x.high - x.low) * left / w,
            y.low + (y.high - y.low) * top / h,
            x.low + (x.high - x.low) * (left + cols) / w,
            y.low + (y.high - y.low) * (top + rows) / h,
        ]
        part = field.render((rows, cols), edges, cell=cell)
        crop = whole[:, top : top + rows, left : left + cols]
        assert (part - crop).abs().max() <= 1e-6 * whole.abs().max()


@pytest.mark.parametrize('max_queries', [1, 5, 37, 40, 41, 200, 10**6])
@pytest.mark.parametrize('cell', [None, 1.0])
def test_queries_are_bounded_and_tiles_change_nothing(max_queries, cell):
    field = analytic(SQUARE, lambda x: torch.sin(9 * x.sum(-1, keepdim=True)), batch=2)
    expected = field.render((6, 40), cell=cell)
    del field.evaluator.queries[:]
    bands = list(field.render_rows((6, 40), cell=cell, max_queries=max_queries))
    assert max(field.evaluator.queries) <= max_queries
    assert sum(field.evaluator.queries) == 240 * (1 if cell is None else 11 * 2)
    assert all(b.shape[0] == 2 and b.shape[2:] == (40, 1) for b in bands)
    assert len(bands) >= min(240 / max_queries, 6)
    tiled = field.render((6, 40), cell=cell, max_queries=max_queries)
    assert torch.equal(torch.cat(bands, 1), tiled)
    torch.testing.assert_close(tiled, expected, atol=1e-6, rtol=0)


def test_volumes_are_cut_along_every_axis():
    field = noise_field(SPACE)
    whole = field.render((5, 6, 7))
    for max_queries in (3, 7, 20, 42, 100):
        part = field.render((5, 6, 7), max_queries=max_queries)
        torch.testing.assert_close(part, whole, atol=1e-6, rtol=0)


def test_the_next_band_is_computed_when_asked_for():
    field = analytic(SQUARE, lambda x: x)
    rows = field.render_rows((100, 10), max_queries=10)
    assert not field.evaluator.queries
    next(rows)
    assert field.evaluator.queries == [10]


@pytest.mark.parametrize('cell', [0.5, 1.0])
def test_a_linear_field_is_unchanged_by_the_filter(cell):
    field = analytic(WIDE, lambda x: x @ torch.tensor([[2.0], [-3.0]]) + 1)
    torch.testing.assert_close(
        field.render((5, 7), cell=cell), field.render((5, 7)), atol=2e-6, rtol=0
    )


@pytest.mark.parametrize('cell', [0.5, 1.0, 2.0])
@pytest.mark.parametrize('waves', [1, 5, 11])
def test_a_wave_is_attenuated_by_the_sinc_of_the_box(cell, waves):
    k, n = math.pi * waves, 8
    field = analytic(SQUARE, lambda x: torch.cos(k * x[..., :1]))
    image = field.render((1, n), cell=cell)[0, 0, :, 0]
    box = cell * 2 / n
    x = -1 + (torch.arange(n) + 0.5) * 2 / n
    expected = torch.cos(k * x) * torch.sinc(torch.tensor(k * box / 2 / math.pi))
    inside = (x.abs() + box / 2) < 1 + 1e-6  # a box that leaves the field sees its edge
    # the mean of m samples is the integral up to (k box / m)^2 / 24
    step = 2 / 16 / 4
    torch.testing.assert_close(image[inside], expected[inside], atol=(k * step) ** 2 / 24, rtol=0)


@pytest.mark.parametrize('n', [256, 64, 32])
def test_filtered_pixels_equal_the_box_filtered_fine_picture(n):
    """The claim of the toolkit: render(256, cell=1) against render(1024) averaged, >= 40 dB."""
    layout = PlaneLayout([dict(name=a, size=256) for a in 'xy'], ['xy'])
    field = noise_field(layout)
    fine = field.render((1024, 1024)).movedim(-1, 1)
    expected = F.avg_pool2d(fine, 1024 // n).movedim(1, -1)
    assert psnr(field.render((n, n), cell=1), expected) > 100
    assert psnr(field.render((n, n)), expected) < 15


def test_one_pixel_of_the_whole_field_is_its_mean():
    field = noise_field(SQUARE)
    expected = field.render((64, 64)).mean((1, 2))
    for max_queries in (10, 100, 2**16):
        pixel = field.render((1, 1), cell=1, max_queries=max_queries)
        torch.testing.assert_close(pixel[:, 0, 0], expected, atol=1e-6, rtol=0)


def test_zoom_below_a_node_is_bilinear():
    layout = PlaneLayout([dict(name=a, size=4) for a in 'xy'], ['xy'], latent_stride=2)
    plane = torch.arange(16.0).view(1, 1, 4, 4).square()

    class Lookup(nn.Module):
        def forward(self, state, coords, *, scale=None, dirs=None):
            found = layout.sample('xy', state['xy'], coords.project('xy'))
            return coords.spread('xy', found)

    field = Field(Lookup(), {'xy': plane}, layout, 1)
    x0, x1 = layout.nodes('x')[1:3].tolist()  # between four nodes
    image = field.render((10, 20), (x0, x0, x1, x1))[0, ..., 0]
    u, v = (torch.arange(20) + 0.5) / 20, (torch.arange(10) + 0.5)[:, None] / 10
    a, b, c, d = plane[0, 0, 1, 1], plane[0, 0, 1, 2], plane[0, 0, 2, 1], plane[0, 0, 2, 2]
    expected = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * c + u * d)
    torch.testing.assert_close(image, expected, atol=1e-4, rtol=1e-5)


def test_rendering_is_differentiable_and_keeps_double_precision():
    field = analytic(SQUARE, lambda x: x[..., :1] ** 2, dtype=torch.float64)
    field.state['gain'].requires_grad_()
    image = field.render((3, 3), cell=1)
    assert image.dtype == torch.float64
    image.sum().backward()
    torch.testing.assert_close(field.state['gain'].grad[0], image.detach().sum())


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(size=(8,)), r"size=\(8,\) must be 2 whole numbers .* order 'yx' \(rows, columns\)"),
        (dict(size=(8, 0)), r'size=\(8, 0\) must be 2 whole numbers of at least 1'),
        (dict(size=64), r'size=\(64,\) must be 2 whole numbers'),
        (dict(size=(8, float('nan'))), r'size=\(8, nan\) must be 2 whole numbers'),
        (dict(size=(8, 8), region=0.5), r'region=\(0.5,\) must be 4 numbers'),
        (dict(size=(8, 2.5)), r'size=\(8, 2.5\) must be 2 whole numbers'),
        (dict(size=(8, 8), region=(0, 0, 1)), r'must be 4 numbers \(x0, y0, x1, y1\)'),
        (dict(size=(8, 8), region=(0.5, 0, 0.5, 1)), "empty along 'x': it goes from 0.5 to 0.5"),
        (dict(size=(8, 8), region=(0, 1, 1, 0)), "empty along 'y'.* lows before highs"),
        (dict(size=(8, 8), region=(0, 0, 1.5, 1)), "leaves the field: 'x' goes from -1.0 to 1.0"),
        (dict(size=(8, 8), region=(0, 0, float('nan'), 1)), 'must be 4 numbers'),
        (dict(size=(8, 8), cell=0), 'cell=0 must be a positive number of pixels, or None'),
        (dict(size=(8, 8), max_queries=0), 'max_queries=0 must be at least 1'),
    ],
)
def test_mistakes_are_named_before_anything_is_computed(arguments, message):
    field = analytic(SQUARE, lambda x: x)
    with pytest.raises(ValueError, match=message):
        field.render_rows(**arguments)
    assert not field.evaluator.queries
