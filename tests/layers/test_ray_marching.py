"""Radiance fields seen along rays."""

from math import exp

import pytest
import torch
from radiance_scenes import balls, scene, slabs

from ddmi_toolkit.layers.ray_marching import render_rays
from ddmi_toolkit.layers.view_rendering import density_normals
from ddmi_toolkit.structures import Camera, PlaneLayout, look_at, orbit, stack_rays

RED, BLUE = (0.9, -0.5, -0.2), (-0.8, -0.1, 0.7)
LAYERS = [(-0.6, -0.1, 3.0, BLUE), (0.2, 0.7, 2.0, RED)]


def picture(size: int = 24, **where) -> tuple[torch.Tensor, torch.Tensor]:
    camera = Camera.from_fov(look_at((1.5, 2.0, 1.2)), 0.7, size, size, **where)
    origins, dirs = camera.rays()
    return origins[None], dirs[None]


def downward(x: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """One ray along -z, ``(1, 1, 3)``."""
    return torch.tensor([[[x, 0.1, 3.0]]]), torch.tensor([[[0.0, 0.0, -1.0]]])


@pytest.mark.parametrize('num_importance', [0, 400])
def test_two_slabs_are_seen_as_in_closed_form(num_importance):
    """Red from above over blue over gray; opacity and depth too."""
    out = render_rays(
        scene(slabs(LAYERS)),
        *downward(),
        num_samples=2000,
        num_importance=num_importance,
        background=(0.2, 0.2, 0.2),
    )
    first, second = exp(-1.0), exp(-1.5)
    expected = [
        r * (1 - first) + first * (b * (1 - second) + second * 0.2)
        for r, b in zip(RED, BLUE, strict=True)
    ]
    assert out.color[0, 0].tolist() == pytest.approx(expected, abs=2e-3)
    assert out.opacity.item() == pytest.approx(1 - exp(-2.5), abs=1e-3)
    in_red = 0.5 - 0.5 * exp(-1) / (1 - exp(-1))  # mean free path, from z = 0.7 downwards
    in_blue = 1 / 3 - 0.5 * exp(-1.5) / (1 - exp(-1.5))
    depth = (1 - first) * (2.3 + in_red) + first * (1 - second) * (3.1 + in_blue)
    assert out.depth.item() == pytest.approx(depth / (1 - exp(-2.5)), abs=2e-3)


def test_further_samples_find_thin_layers():
    """64 + 64 samples come much closer than 128 even ones, and all of them count."""
    field = scene(slabs([(0.311, 0.371, 30.0, RED)]))
    exact = [c * (1 - exp(-1.8)) + exp(-1.8) for c in RED]

    def error(**numbers):
        color = render_rays(field, *downward(), **numbers).color[0, 0]
        return (color - torch.tensor(exact)).abs().max().item()

    assert error(num_samples=64, num_importance=64) < 0.2 * error(num_samples=128, num_importance=0)


@pytest.mark.parametrize('with_gradients', [False, True])
def test_rays_that_miss_see_the_background(with_gradients):
    """Each field its own; nothing is absorbed, nothing is near."""
    field = scene(slabs(LAYERS), torch.zeros(2, 3))
    origins, dirs = (x.expand(2, 1, 3) for x in downward(1.5))
    background = torch.tensor([[0.1, 0.2, 0.3], [-1.0, 0.0, 1.0]])
    with torch.set_grad_enabled(with_gradients):
        out = render_rays(field, origins, dirs, background=background)
    torch.testing.assert_close(out.color[:, 0], background)
    assert out.opacity.tolist() == [[0], [0]]
    assert out.depth.isinf().all()


def test_parts_and_batches_do_not_change_a_picture():
    """The same beside other fields, and in any parts to rounding; with gradients too."""
    shifts = torch.tensor([[0.0, 0.0, 0.0], [0.2, -0.3, 0.1]])
    fields = scene(balls(), shifts)
    origins, dirs = (x.expand(2, *x.shape[1:]) for x in picture())
    options = dict(num_samples=16, num_importance=8)
    with torch.no_grad():
        whole = render_rays(fields, origins, dirs, **options)
        parts = render_rays(fields, origins, dirs, max_points=1000, **options)
        alone = render_rays(fields[1], origins[1:], dirs[1:], **options)
    assert whole.color.shape == (2, 24, 24, 3)
    for a, b, c in zip(whole[:3], parts[:3], alone[:3], strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
        assert torch.equal(a[1:], c)
    trained = render_rays(fields, origins, dirs, **options)
    torch.testing.assert_close(trained.color, whole.color, atol=1e-5, rtol=0)


def test_parts_are_as_large_as_allowed():
    """Points at a time, both passes together."""
    field = scene(balls())
    with torch.no_grad():
        out = render_rays(field, *picture(), num_samples=16, num_importance=8, max_points=480)
    calls = field.evaluator.calls
    assert max(a + b for a, b in zip(calls[::2], calls[1::2], strict=True)) == 480
    assert sum(calls) == out.num_evaluated == out.num_placed


def test_jitter_is_of_each_seed_and_unbiased():
    """Seeds alone decide; over many, the mean is the closed form."""
    field = scene(slabs(LAYERS), torch.zeros(2, 3))
    origins, dirs = (x.expand(2, 200, 3) for x in downward())
    seeds = torch.tensor([3, 4])
    first = render_rays(field, origins, dirs, seed=seeds, num_importance=0)
    again = render_rays(field[1], origins[1:], dirs[1:], seed=seeds[1:], num_importance=0)
    assert torch.equal(first.color[1:], again.color)
    assert not torch.equal(first.color[0], first.color[1])
    assert first.opacity.std() > 1e-4
    assert first.opacity.mean().item() == pytest.approx(1 - exp(-2.5), abs=2e-3)


def test_gradients_reach_color_and_density():
    """Of what is seen; nothing is expected of what is hidden."""
    values = torch.tensor([0.1, 0.2, 0.3, 2.0], requires_grad=True)
    field = scene(lambda x, dirs: values.expand(*x.shape[:-1], 4))
    out = render_rays(field, *downward(), num_samples=8, num_importance=4)
    (grad,) = torch.autograd.grad(out.color[..., 0].sum(), values)
    passed = exp(-4.0)
    expected = [1 - passed, 0, 0, 2 * passed * (0.1 - 1.0)]
    assert grad.tolist() == pytest.approx(expected, abs=1e-5)


def test_colors_may_depend_on_the_direction():
    """The field is asked along the ray."""
    field = scene(lambda x, dirs: torch.cat([dirs, 100 + 0 * x[..., :1]], dim=-1))
    origins, dirs = picture(4)
    out = render_rays(field, origins, dirs)
    torch.testing.assert_close(out.color, dirs, atol=1e-5, rtol=0)


def test_normals_of_a_ball_look_outwards():
    """On its soft surface, whatever the number of points."""
    torch.manual_seed(0)
    outward = torch.nn.functional.normalize(torch.randn(1, 50, 3), dim=-1)

    def ball(x, dirs):
        sigma = 50 * torch.sigmoid((0.5 - x.norm(dim=-1, keepdim=True)) / 0.05)
        return torch.cat([0 * x, sigma], dim=-1)

    normals = density_normals(scene(ball), 0.5 * outward)
    assert (normals * outward).sum(-1).min() > 0.999
    flat = density_normals(scene(slabs([(-2.0, 2.0, 1.0, RED)])), 0.5 * outward)
    assert torch.equal(flat, torch.zeros_like(flat))


def test_views_of_several_cameras_at_once():
    """Any query shape: views, rows, columns."""
    cameras = orbit(2, 2.5, size=(6, 4))
    origins, dirs = stack_rays(cameras)
    field = scene(balls())
    out = render_rays(field, origins[None], dirs[None])
    assert out.color.shape == (1, 2, 4, 6, 3)
    one = render_rays(field, origins[None, 1], dirs[None, 1])
    torch.testing.assert_close(out.depth[:, 1], one.depth)


def _flat_field():
    layout = PlaneLayout([dict(name=a, size=8) for a in 'xy'], ['xy'])
    return scene(balls()).__class__(torch.nn.Identity(), dict(x=torch.zeros(1)), layout, 4)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(field=_flat_field()), r"4 channels\) over three axes; this one has 4 over .* 'xy'"),
        (dict(dirs=torch.ones(1, 2, 3)), r'origins \(1, 1, 3\) and dirs \(1, 2, 3\) must both be'),
        (dict(field=scene(balls(), torch.zeros(2, 3))), 'rays for 1 fields given to a batch of 2'),
        (dict(num_samples=0), 'num_samples=0 .* must be at least 1'),
        (dict(num_importance=-1), 'num_importance=-1 at least 0'),
        (dict(background=torch.zeros(2, 3)), r'background of shape \(2, 3\) must be a value'),
    ],
)
def test_errors_say_what_to_do(change, message):
    """Each names the argument, the value and the expectation."""
    origins, dirs = downward()
    arguments = dict(field=scene(balls()), origins=origins, dirs=dirs) | change
    with pytest.raises(ValueError, match=message):
        render_rays(**arguments)
