"""Procedural radiance fields: depth as in closed form, clouds on surfaces, frozen objects."""

import hashlib

import numpy as np
import pytest
import torch

from ddmi_toolkit.datasets import ProceduralViews
from ddmi_toolkit.datasets.procedural.bodies import Balls, Bodies
from ddmi_toolkit.datasets.procedural.toy_design import KINDS, design_toy
from ddmi_toolkit.datasets.procedural.toys import RADIUS, Toy
from ddmi_toolkit.datasets.procedural.views import (
    draw_camera,
    render_bodies,
    render_depth,
    sample_cloud,
    shade,
)
from ddmi_toolkit.structures.cameras import Camera, look_at

SEEDS = [*range(20), *range(10**6, 10**6 + 6)]
DIGEST = '74246a6e239a7574a0c38714a2ccb24886f3082aa36e874590e76142a24327a0'


@pytest.fixture(scope='module')
def toys():
    return {seed: design_toy(seed) for seed in SEEDS}


def one_body(kind, taper=0.0):
    """A tilted primitive of half sizes (0.5, 0.4, 0.3), round ones (0.5, 0.4, 0.5)."""
    toy = Toy()
    start, end = np.array([0.1, -0.2, 0.3]), np.array([0.3, 0.4, -0.1])
    if kind == 'round':
        toy.rod(start, end, 0.5, (1.0, 0.0, 0.0), taper)
    else:
        toy.bench.rod(start, end, (0.5, 0.3), taper=taper)
        toy.frusta.append((1.0, 0.0, 0.0))
    return Bodies(toy.bench.assemble(), Balls(np.empty((0, 3)), np.empty((0, 3))), np.eye(3)[:1])


def random_rays(num, seed=0):
    """From a sphere of radius 3 to anywhere in the unit cube."""
    rng = np.random.default_rng(seed)
    origins = rng.standard_normal((num, 3))
    origins *= 3 / np.linalg.norm(origins, axis=1, keepdims=True)
    dirs = rng.uniform(-0.9, 0.9, (num, 3)) - origins
    return origins, dirs / np.linalg.norm(dirs, axis=1, keepdims=True)


def march(bodies, origins, dirs, step=2e-3):
    """First distance at which a ray is inside, by trying all; infinite if none."""
    t = np.arange(1.0, 5.0, step)
    places = origins[:, None] + t[None, :, None] * dirs[:, None]
    inside = bodies.contains(places.reshape(-1, 3)).reshape(len(origins), -1)
    return np.where(inside.any(1), t[inside.argmax(1)], np.inf)


def test_depth_of_a_ball_is_the_closed_form():
    """Distance along the unit ray: the smaller root of the quadratic equation of ray and sphere."""
    radius = 0.6
    balls = Balls(np.zeros((1, 3)), np.full((1, 3), radius))
    toy = Toy()
    toy.box((0, 0, 0), (0.1, 0.1, 0.1), (0.0, 0.0, 1.0))
    bodies = Bodies(toy.bench.assemble(), balls, np.array([[0, 0, 1.0], [1, 0, 0]]))
    camera = Camera.from_fov(look_at((1.0, -2.0, 1.5)), 0.8, 24, 18)
    depth = render_depth(bodies, camera)
    origins, dirs = (r.double().numpy() for r in camera.rays())
    b, c = (origins * dirs).sum(-1), (origins**2).sum(-1) - radius**2
    expected = np.where(b * b > c, -b - np.sqrt(np.maximum(b * b - c, 0)), np.inf)
    np.testing.assert_allclose(depth, expected, rtol=1e-6)
    assert 20 < np.isfinite(depth).sum() < depth.size - 20


@pytest.mark.parametrize('kind', ['block', 'round'])
@pytest.mark.parametrize('taper', [0.0, 0.4, -0.95])
def test_rays_enter_where_points_begin_to_be_inside(kind, taper):
    """Against trying all points along the rays; normals face the ray."""
    bodies = one_body(kind, taper)
    rays = random_rays(300)
    distance, seen = bodies.cast(*rays)
    marched = march(bodies, *rays)
    hit = np.isfinite(marched)
    assert 20 < hit.sum() < 280
    assert np.isfinite(distance[hit]).all()
    assert np.abs(distance[hit] - marched[hit]).max() < 2.1e-3
    assert np.isfinite(distance[~hit]).mean() < 0.02  # thinner than a step
    assert ((seen[hit, 3:] * rays[1][hit]).sum(1) < 0).all()


def test_rays_through_toys_enter_where_points_begin_to_be_inside(toys):
    rays = random_rays(60, seed=1)
    for seed in SEEDS[:8]:
        bodies = toys[seed][0]
        distance, marched = bodies.cast(*rays)[0], march(bodies, *rays)
        both = np.isfinite(distance) & np.isfinite(marched)
        assert (np.isfinite(distance) != np.isfinite(marched)).sum() <= 2
        assert np.abs(distance[both] - marched[both]).max() < 2.1e-3


def test_rays_parallel_to_the_axes_of_a_box():
    """Where slabs divide by zero."""
    toy = Toy()
    toy.box((0, 0, 0), (0.5, 0.4, 0.3), (1.0, 0.0, 0.0))
    bodies = Bodies(toy.bench.assemble(), Balls(np.empty((0, 3)), np.empty((0, 3))), np.eye(3)[:1])
    origins = np.array([[0.1, 0.1, 3], [0.1, 3, 0.1], [3, 0.1, 0.1], [0.6, 0, 3], [0, 3, 0.31]])
    dirs = -np.array([[0, 0, 1.0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]])
    distance, seen = bodies.cast(origins, dirs)
    np.testing.assert_allclose(distance, [2.7, 2.6, 2.5, np.inf, np.inf], rtol=1e-12)
    np.testing.assert_allclose(seen[:3, 3:], -dirs[:3], atol=1e-12)


def test_clouds_lie_on_surfaces_and_have_the_colors_that_cameras_see(toys):
    """A ray aimed at a point hits it, unless something is in front, and sees its color."""
    for seed in SEEDS[:8]:
        bodies = toys[seed][0]
        cloud = sample_cloud(bodies, 400, np.random.default_rng(seed)).astype(float)
        normals = bodies.sample_surface(400, np.random.default_rng(seed))[1]
        assert bodies.contains(cloud[:, :3] + 1e-4 * normals).mean() < 0.01
        assert bodies.contains(cloud[:, :3] - 1e-4 * normals).mean() > 0.99  # but at rims
        eye = draw_camera(seed, 0, 8).center.double().numpy()
        offsets = cloud[:, :3] - eye
        length = np.linalg.norm(offsets, axis=1)
        distance, seen = bodies.cast(np.tile(eye, (400, 1)), offsets / length[:, None])
        assert (distance < length + 1e-5).all()
        visible = np.abs(distance - length) < 1e-5
        assert visible.mean() > 0.2
        colors = 2 * shade(seen[:, :3], seen[:, 3:]) - 1
        apart = np.abs(colors - cloud[:, 3:]).max(1)[visible]
        assert (apart < 1e-5).mean() > 0.99  # but at edges, where float32 decides the face


def test_surface_points_are_spread_by_area():
    """Of a ball and a tapered box with a tenth of its side, shares are those of the areas."""
    toy = Toy()
    toy.box((2, 0, 0), (0.3, 0.2, 0.4), (1.0, 0.0, 0.0))
    half = np.array([[0.3, 0.5, 0.7]])
    bodies = Bodies(toy.bench.assemble(), Balls(np.zeros((1, 3)), half), np.eye(3)[:2])
    points, normals, colors = bodies.sample_surface(20_000, np.random.default_rng(0))
    box = 8 * (0.3 * 0.2 + 0.3 * 0.4 + 0.2 * 0.4)
    ball = float(bodies.balls.areas[0])
    assert abs(colors[:, 0].mean() - box / (box + ball)) < 0.02
    on_ball = points[colors[:, 1] == 1]
    level = np.square(on_ball / half).sum(1)
    np.testing.assert_allclose(level, 1, rtol=1e-9)
    # Archimedes: the mean of the normal's square along an axis, by area, from a fine quadrature.
    u = (np.arange(400) + 0.5) / 400
    z, turn = np.meshgrid(2 * u - 1, 2 * np.pi * u, indexing='ij')
    ring = np.sqrt(1 - z**2)
    unit = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], -1).reshape(-1, 3)
    weight = np.linalg.norm(unit / half, axis=1)
    expected = (weight * unit[:, 2] ** 2).sum() / weight.sum()
    assert abs((on_ball[:, 2] / 0.7).__pow__(2).mean() - expected) < 0.01
    assert np.abs(np.linalg.norm(normals, axis=1) - 1).max() < 1e-9


def test_silhouettes_are_where_the_cloud_projects(toys):
    """Points project onto what is seen, and what is seen has points nearby."""
    for seed in SEEDS[:4]:
        bodies = toys[seed][0]
        camera = draw_camera(seed, 1, 128)
        cloud = torch.from_numpy(sample_cloud(bodies, 4000, np.random.default_rng(0)))
        column, row = camera.project(cloud[:, :3])[0].floor().long().unbind(-1)
        seen = np.isfinite(render_depth(bodies, camera))
        assert seen[row, column].mean() > 0.95
        wider = sum(np.roll(seen, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) > 0
        assert wider[row, column].all()
        drawn = np.zeros((32, 32), bool)
        drawn[row // 4, column // 4] = True
        assert drawn[seen.reshape(32, 4, 32, 4).all((1, 3))].mean() > 0.9


def test_objects_lie_in_the_ball_and_reach_its_surface(toys):
    for bodies, _ in toys.values():
        assert bodies.reach == pytest.approx(RADIUS)
        points = bodies.sample_surface(500, np.random.default_rng(0))[0]
        farthest = np.linalg.norm(points, axis=1).max()
        assert 0.7 < farthest <= RADIUS + 1e-9


def test_pictures_are_means_of_rays_on_white(toys):
    """A picture with one ray per pixel is white exactly where the depth is infinite."""
    bodies, _ = toys[3]
    camera = draw_camera(3, 0, 24)
    single, depth = render_bodies(bodies, camera, samples=1), render_depth(bodies, camera)
    assert np.array_equal((single == 1).all(-1), np.isinf(depth))
    fine = render_bodies(bodies, camera.resized(48, 48), samples=1)
    mean = fine.reshape(24, 2, 24, 2, 3).mean((1, 3))
    np.testing.assert_allclose(render_bodies(bodies, camera, samples=2), mean, atol=1e-12)
    assert 0.1 < np.isfinite(depth).mean() < 0.8


def test_objects_of_a_seed_are_frozen(toys):
    """The distribution that results are quoted on; changing it needs a new name."""
    digest = hashlib.sha256()
    for seed, (bodies, kind) in toys.items():
        solid, balls = bodies.frusta, bodies.balls
        numbers = (solid.center, solid.rotation, solid.half, solid.taper, balls.center, balls.half)
        camera = draw_camera(seed, 2, 8).pose.numpy()
        for values in (*numbers, bodies.colors, camera):
            digest.update(' '.join(f'{v + 0.0:.5f}' for v in values.ravel()).encode())
        digest.update(kind.encode())
    assert digest.hexdigest() == DIGEST
    assert {kind for _, kind in toys.values()} == set(KINDS)


def test_samples_are_rays_with_the_colors_of_their_pixels():
    """Pixels, directions and depths of whole views belong together."""
    options = dict(num_objects=2, size=12, num_views=3, num_points=64)
    views = ProceduralViews(**options, pipeline=[dict(type='PackViews')])[1]
    record = ProceduralViews(**options, pipeline=[])[1]
    depth, target = views['meta']['depth'], views['target']
    for v, camera in enumerate(record['cameras']):
        origins, dirs = camera.rays()
        assert torch.equal(views['query']['origins'][v], origins)
        assert torch.equal(views['query']['dirs'][v], dirs)
    assert depth.shape == (3, 12, 12)
    assert target[depth.isinf()].mean() > 0.8
    assert torch.equal(views['inputs'], torch.from_numpy(record['points']))
    assert record['class_name'] in KINDS


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(num_objects=0), 'num_objects must be at least 1, got 0'),
        (dict(num_views=0), 'num_views must be at least 1, got 0'),
        (dict(first_seed=-1), 'first_seed must not be negative, got -1'),
        (dict(first_view=-2), 'first_view must not be negative, got -2'),
    ],
)
def test_arguments_of_procedural_views_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ProceduralViews(**options)
