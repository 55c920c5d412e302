"""Unions of convex primitives: occupancy and surface against closed forms."""

import numpy as np
import pytest

from ddmi_toolkit.datasets.procedural.parts import Draws, Workbench


def build(*rods):
    """A normalized solid of rods ``(start, end, half, kwargs)`` and the scale that was applied."""
    bench = Workbench()
    for start, end, half, options in rods:
        bench.rod(start, end, half, **options)
    return bench.build()


def rotated(taper=0.0, is_round=False):
    """One leaning primitive and one of its own, to exercise rotation and the union."""
    return build(
        ((0, 0, 0), (0.3, 1, 0.2), (0.15, 0.15), dict(taper=taper, is_round=is_round)),
        ((0.1, 0.5, 0.1), (0.9, 0.6, 0.4), (0.1, 0.06), {}),
    )


def volume(solid, seed=0, num=200_000):
    """Monte-Carlo volume and its standard error."""
    points = np.random.default_rng(seed).uniform(-0.55, 0.55, (num, 3))
    share = solid.contains(points).mean()
    return share * 1.1**3, np.sqrt(share * (1 - share) / num) * 1.1**3


def frustum_volume(area, height, taper):
    """Of a frustum whose middle section has an area: Simpson's rule is exact."""
    return area * height / 6 * ((1 - taper) ** 2 + 4 + (1 + taper) ** 2)


@pytest.mark.parametrize('taper', [0.0, 0.4, -0.7])
@pytest.mark.parametrize('is_round', [False, True])
def test_volume_of_one_primitive(is_round, taper):
    """Boxes, cylinders and their tapered forms; leaning, so that the rotation matters."""
    solid = build(((0, 0, 0), (0.4, 1, 0.3), 0.2, dict(taper=taper, is_round=is_round)))
    half = solid.half[0]
    area = np.pi * half[0] ** 2 if is_round else 4 * half[0] * half[2]
    truth = frustum_volume(area, 2 * half[1], taper)
    estimate, error = volume(solid)
    assert abs(estimate - truth) < 4 * error


def test_volume_of_a_union_counts_the_overlap_once():
    """A cross of two bars of square section: 2 bars minus the common cube."""
    bars = [((-0.5, 0, 0), (0.5, 0, 0), 0.1, {}), ((0, -0.5, 0), (0, 0.5, 0), 0.1, {})]
    estimate, error = volume(build(*bars))
    assert abs(estimate - (2 * 0.2**2 - 0.2**3)) < 4 * error


@pytest.mark.parametrize('taper', [0.0, 0.4, -0.7])
@pytest.mark.parametrize('is_round', [False, True])
def test_surface_is_the_boundary_and_normals_point_out(is_round, taper):
    """A step of 1e-6 along the normal leaves the union, one back enters it, everywhere."""
    solid = rotated(taper, is_round)
    points, normals = solid.sample_surface(3000, np.random.default_rng(0))
    assert len(points) == len(normals) == 3000
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-12)
    assert not solid.contains(points + 1e-6 * normals).any()
    assert solid.contains(points - 1e-6 * normals).all()


@pytest.mark.parametrize('taper', [0.0, 0.4])
@pytest.mark.parametrize('is_round', [False, True])
def test_divergence_theorem_holds_on_the_samples(is_round, taper):
    """Volume = area * mean(p . n) / 3, so samples are uniform by area on every patch."""
    solid = build(((0, 0, 0), (0.4, 1, 0.3), 0.2, dict(taper=taper, is_round=is_round)))
    points, normals = solid.sample_surface(20_000, np.random.default_rng(1))
    points = points + np.array([0.3, -0.2, 0.1])  # any origin will do; this one is harder
    flux = (points * normals).sum(axis=1)
    half = solid.half[0]
    area_across = np.pi * half[0] ** 2 if is_round else 4 * half[0] * half[2]
    ends = area_across * ((1 - taper) ** 2 + (1 + taper) ** 2)
    around = 2 * np.pi * half[0] if is_round else 8 * half[0]
    area = ends + around * 2 * np.hypot(half[1], taper * half[0])
    error = area * flux.std() / np.sqrt(len(flux)) / 3
    truth = frustum_volume(area_across, 2 * half[1], taper)
    assert abs(area * flux.mean() / 3 - truth) < 4 * error


def test_bounding_box_is_exact():
    """Tight around leaning and round primitives: surface samples reach it and stay inside."""
    solid = rotated(0.3, is_round=True)
    assert np.allclose(np.ptp(solid.bounds, axis=0).max(), 1)
    assert np.allclose(solid.bounds.sum(axis=0), 0)
    points, _ = solid.sample_surface(40_000, np.random.default_rng(0))
    assert (points >= solid.bounds[0] - 1e-9).all()
    assert (points <= solid.bounds[1] + 1e-9).all()
    assert np.allclose(points.min(axis=0), solid.bounds[0], atol=5e-3)
    assert np.allclose(points.max(axis=0), solid.bounds[1], atol=5e-3)


def test_culling_changes_nothing():
    """Occupancy by the boxes first equals the union of the primitives taken one by one."""
    solid = rotated(0.3)
    points = np.random.default_rng(0).uniform(-0.55, 0.55, (5000, 3))
    union = np.zeros(len(points), dtype=bool)
    for k in range(len(solid)):
        local = (points - solid.center[k]) @ solid.rotation[k]
        y = local[:, 1] / solid.half[k, 1]
        across = np.abs(local[:, [0, 2]]) / solid.half[k, [0, 2]]
        union |= (np.abs(y) <= 1) & (across.max(axis=1) <= 1 + solid.taper[k] * y)
    assert np.array_equal(solid.contains(points), union)
    assert union.any()


def test_draws_are_stable():
    """The bit stream of PCG64, spelled out: shapes must not change with numpy."""
    draws = Draws(1)
    assert draws.uniform(0, 1) == 0.5118216247002567
    assert draws.uniform(-1, 1) == 2 * 0.9504636963259353 - 1
    picks = [Draws(i).pick(dict(a=1, b=3)) for i in range(400)]
    assert 260 < picks.count('b') < 340
    assert {Draws(i).integer(2, 4) for i in range(60)} == {2, 3, 4}
    with pytest.raises(ValueError, match='seed must not be negative, got -1'):
        Draws(-1)
