"""Samples along rays and their sums, against closed forms."""

from math import exp, log

import pytest
import torch

from ddmi_toolkit.layers.ray_quadrature import (
    cell_edges,
    composite,
    intersect_box,
    sample_histogram,
    strata,
    widened,
)

LOW, HIGH = torch.tensor([-1.0, -2.0, 0.0]), torch.tensor([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ('origin', 'direction', 'near', 'far'),
    [
        ((-4.0, 0.5, 1.0), (1.0, 0.0, 0.0), 3.0, 5.0),  # through two faces
        ((0.0, 0.0, 1.0), (0.0, 0.0, 1.0), 0.0, 2.0),  # from inside
        ((0.0, 5.0, 1.0), (0.6, -0.8, 0.0), 0.0, 0.0),  # past an edge
        ((4.0, 0.0, 1.0), (1.0, 0.0, 0.0), 0.0, 0.0),  # the box lies behind
        ((-4.0, 2.5, 1.0), (1.0, 0.0, 0.0), 0.0, 0.0),  # along a face, outside
        ((-1.0, -2.0, 0.0), (0.0, 0.0, 1.0), 0.0, 3.0),  # along an edge of the box: 0 / 0
        ((-3.0, -2.0, 0.0), (0.0, 1.0, 0.0), 0.0, 0.0),
    ],
)
def test_rays_meet_a_box_where_they_do(origin, direction, near, far):
    """Enter and leave; a miss has no length."""
    found = intersect_box(torch.tensor(origin), torch.tensor(direction), LOW, HIGH)
    assert [x.item() for x in found] == pytest.approx([near, far], abs=1e-5)


def test_meeting_points_lie_on_the_box():
    """Of random rays that hit, both ends are on a face and between lies the box."""
    torch.manual_seed(0)
    origins = 6 * torch.rand(500, 3, dtype=torch.float64) - 3
    dirs = torch.nn.functional.normalize(torch.randn(500, 3, dtype=torch.float64), dim=-1)
    near, far = intersect_box(origins, dirs, LOW.double(), HIGH.double())
    hit = far > near
    assert 50 < hit.sum() < 450
    middle = (LOW + HIGH).double() / 2
    reach = (HIGH - LOW).double() / 2
    for t, is_face in ((far, hit), (near, hit & (near > 0))):
        off = ((origins + t[:, None] * dirs - middle).abs() / reach).amax(-1)
        torch.testing.assert_close(off[is_face], torch.ones_like(off[is_face]))
    along = torch.linspace(0, 12, 400, dtype=torch.float64)[:, None, None]
    inside = ((origins + along * dirs - middle).abs() < reach).all(-1)
    assert not inside[:, ~hit].any()


def test_strata_tile_the_ray_and_hold_one_sample_each():
    """Middles without jitter; with it, each sample stays in its part."""
    near, far = torch.tensor([1.0, 0.0]), torch.tensor([3.0, 1.0])
    middles = strata(near, far, torch.full((2, 4), 0.5))
    torch.testing.assert_close(middles[0], torch.tensor([1.25, 1.75, 2.25, 2.75]))
    torch.manual_seed(0)
    t = strata(near, far, torch.rand(2, 4))
    part = (t - near[:, None]) / (far - near)[:, None] * 4
    assert torch.equal(part.floor(), torch.arange(4.0).expand(2, 4))
    edges = cell_edges(middles, near, far)
    torch.testing.assert_close(edges[0], torch.tensor([1.0, 1.5, 2.0, 2.5, 3.0]))


def along_ray(density, color, num_samples: int, near: float = 0.0, far: float = 2.0):
    """Composite of functions of the distance, float64."""
    near, far = torch.tensor([near]).double(), torch.tensor([far]).double()
    t = strata(near, far, torch.full((1, num_samples), 0.5, dtype=torch.float64))
    return composite(t, cell_edges(t, near, far), density(t), color(t)[..., None])


@pytest.mark.parametrize('num_samples', [1, 2, 7, 64])
def test_constant_density_is_exact_at_any_number_of_samples(num_samples):
    """Opacity, color and transmittance of a slab that fills the ray (Beer and Lambert)."""
    out = along_ray(lambda t: 0 * t + 1.7, lambda t: 0 * t + 0.3, num_samples)
    assert out.opacity.item() == pytest.approx(1 - exp(-3.4), rel=1e-12)
    assert out.color.item() == pytest.approx(0.3 * (1 - exp(-3.4)), rel=1e-12)
    passed = 1 - out.weights.cumsum(-1)[0]
    steps = torch.arange(1, num_samples + 1, dtype=torch.float64) / num_samples
    torch.testing.assert_close(passed, torch.exp(-3.4 * steps))


def order(errors: list[float]) -> float:
    """Mean exponent of an error that falls at doubled numbers of samples."""
    return log(errors[0] / errors[-1]) / log(2) / (len(errors) - 1)


def test_smooth_densities_converge_at_second_order():
    """The sum is a midpoint rule: four times closer with twice the samples."""

    def density(t):
        return 3 * torch.exp(-(((t - 0.9) / 0.3) ** 2))

    def color(t):
        return torch.sin(2 * t)

    exact = along_ray(density, color, 2**15)
    errors = {'color': [], 'opacity': [], 'depth': []}
    for n in (16, 32, 64, 128):
        out = along_ray(density, color, n)
        for name, values in errors.items():
            values.append(abs(getattr(out, name) - getattr(exact, name)).item())
    for found in errors.values():
        assert order(found) == pytest.approx(2, abs=0.1)


def test_surfaces_converge_at_first_order_to_the_closed_form():
    """Two slabs of different colors: the error is where their faces fall between samples."""
    errors = []
    for n in (32, 64, 128, 256):
        total = 0.0
        for shift in (0.2 * (torch.arange(40) * 0.618 % 1)).tolist():
            a, b, c, d = 0.3 + shift, 0.7 + shift, 1.1 + shift, 1.6 + shift

            def density(t, a=a, b=b, c=c, d=d):
                return 4.0 * ((t >= a) & (t < b)) + 6.0 * ((t >= c) & (t < d))

            out = along_ray(density, lambda t: torch.where(t < 0.95, 0.9, -0.8), n)
            first, second = exp(-4 * 0.4), exp(-6 * 0.5)
            exact = 0.9 * (1 - first) - 0.8 * first * (1 - second)
            total += abs(out.color.item() - exact) / 40
        errors.append(total)
    assert errors[-1] < 5e-3
    assert order(errors) == pytest.approx(1, abs=0.25)


def test_depth_is_expected_where_a_ray_is_absorbed():
    """The mean of the free path, given that it ends in the slab; none in the clear."""
    out = along_ray(lambda t: 5.0 * ((t > 0.5) & (t < 1.0)), lambda t: t, 4000)
    mean = 0.5 + 1 / 5 - 0.5 * exp(-2.5) / (1 - exp(-2.5))
    assert out.depth.item() == pytest.approx(mean, rel=1e-3)
    assert along_ray(lambda t: 0 * t, lambda t: t, 4).depth.item() == float('inf')


def test_gradients_are_those_of_the_sum():
    """Of colors, opacities and depths, with respect to density and color."""
    torch.manual_seed(0)
    t = torch.rand(3, 5, dtype=torch.float64).sort(-1).values + 1
    near, far = torch.ones(3).double(), torch.full((3,), 2.5).double()
    density = torch.rand(3, 5, dtype=torch.float64, requires_grad=True)
    color = torch.rand(3, 5, 3, dtype=torch.float64, requires_grad=True)

    def outputs(density, color):
        return composite(t, cell_edges(t, near, far), density, color)[:3]

    assert torch.autograd.gradcheck(outputs, (density, color))


def test_rays_without_length_are_clear():
    """What misses the box gathers nothing and keeps gradients finite."""
    zero = torch.zeros(1)
    t = strata(zero, zero, torch.full((1, 4), 0.5))
    density = torch.full((1, 4), 1e4, requires_grad=True)
    out = composite(t, cell_edges(t, zero, zero), density, torch.ones(1, 4, 3))
    (out.color.sum() + out.opacity.sum()).backward()
    assert out.opacity.item() == 0
    assert density.grad.isfinite().all()


def test_histogram_samples_have_its_shares():
    """As many in each cell as it weighs, spread evenly inside it."""
    edges = torch.tensor([[0.0, 1.0, 1.5, 4.0, 4.5]]).double()
    weights = torch.tensor([[0.1, 0.6, 0.0, 0.3]]).double()
    t = sample_histogram(edges, weights, torch.full((1, 1000), 0.5).double())[0]
    assert (t.diff() >= 0).all()
    counts = torch.histogram(t, edges[0])[0]
    assert (counts - torch.tensor([100.0, 600.0, 0.0, 300.0])).abs().max() <= 1
    inside = t[(t > 1) & (t < 1.5)]
    torch.testing.assert_close(
        inside, torch.linspace(1, 1.5, len(inside)).double(), atol=2e-3, rtol=0
    )


def test_neighbors_of_heavy_cells_are_sampled_too():
    """By half of what a lone heavy cell has; even weights stay as they are."""
    weights = torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.4]])
    expected = torch.tensor([[0.0, 0.5, 1.0, 0.5, 0.0, 0.2, 0.4]])
    torch.testing.assert_close(widened(weights), expected)
    even = torch.full((1, 5), 0.2)
    assert torch.equal(widened(even), even)


def test_a_ray_that_absorbs_nothing_is_sampled_evenly():
    """Weights of zero are no reason to look nowhere."""
    edges = torch.linspace(0, 2, 5)[None]
    t = sample_histogram(edges, torch.zeros(1, 4), torch.full((1, 8), 0.5))
    torch.testing.assert_close(t, (torch.arange(8.0)[None] + 0.5) / 4)
