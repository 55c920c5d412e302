"""Cameras, by reprojection: where a pixel's ray goes is seen at that pixel."""

from math import pi, radians, tan

import pytest
import torch

from ddmi_toolkit.structures import Camera, look_at, orbit, stack_rays
from ddmi_toolkit.structures.lenses import distort, undistort

LENSES = {
    'none': (),
    'phone': (0.0578, -0.0805, -0.00098, 0.00016),
    'wide': (-0.25, 0.06, 0.001, -0.002, -0.005),
}


def camera(distortion=(), dtype=torch.float64) -> Camera:
    pose = look_at(torch.tensor([1.5, -2.0, 0.7], dtype=dtype), (0.1, 0.2, -0.1))
    return Camera(pose, 120.0, 110.0, 33.0, 22.5, 64, 48, distortion)


@pytest.mark.parametrize('lens', LENSES)
def test_points_on_a_ray_are_seen_at_its_pixel(lens):
    """Project inverts rays, at every depth, and depth is the distance along the unit ray."""
    cam = camera(LENSES[lens])
    origins, dirs = cam.rays()
    assert origins.shape == dirs.shape == (48, 64, 3)
    torch.testing.assert_close(dirs.norm(dim=-1), torch.ones(48, 64, dtype=torch.float64))
    for t in (0.3, 4.0):
        pixels, depth = cam.project(origins + t * dirs)
        torch.testing.assert_close(pixels, cam.pixel_centers(), atol=1e-8, rtol=0)
        torch.testing.assert_close(depth, torch.full_like(depth, t))


def test_float32_cameras_reproject_to_a_thousandth_of_a_pixel():
    """Also where pictures are large, as angles are computed in float64."""
    cam = camera(LENSES['phone'], torch.float32).resized(4000, 3000)
    pixels = torch.tensor([[0.5, 0.5], [3999.5, 2999.5], [1234.25, 77.0]])
    origins, dirs = cam.rays(pixels)
    assert dirs.dtype == torch.float32
    torch.testing.assert_close(cam.project(origins + 2 * dirs)[0], pixels, atol=2e-3, rtol=0)


def test_depth_is_negative_behind():
    """What lies behind the camera is told from what lies before it."""
    cam = camera()
    origins, dirs = cam.rays(torch.tensor([10.0, 20.0]))
    assert cam.project(origins - 3 * dirs)[1].item() == pytest.approx(-3.0)


def test_the_first_pixel_is_up_and_left():
    """A camera at the origin with the identity pose: x right, y up, looks along -z."""
    cam = Camera.from_fov(torch.eye(4), 2 * torch.arctan(torch.tensor(1.0)).item(), 2, 2)
    _, dirs = cam.rays()
    expected = torch.tensor([-0.5, 0.5, -1.0]) / torch.tensor(1.5).sqrt()
    torch.testing.assert_close(dirs[0, 0], expected)  # row 0, column 0
    torch.testing.assert_close(dirs[0, 1], expected * torch.tensor([-1.0, 1.0, 1.0]))


def test_field_of_view_spans_the_picture():
    """The left and right edges of the picture enclose the angle."""
    cam = Camera.from_fov(torch.eye(4), 0.8, 100, 40)
    _, dirs = cam.rays(torch.tensor([[0.0, 20.0], [100.0, 20.0]]))
    assert torch.arccos(dirs[0] @ dirs[1]).item() == pytest.approx(0.8, abs=1e-6)
    assert cam.fx == cam.fy == pytest.approx(50 / tan(0.4))


@pytest.mark.parametrize('lens', ['phone', 'wide'])
def test_undistortion_inverts_distortion(lens):
    """Both ways, to rounding, over the whole picture."""
    grid = torch.linspace(-0.6, 0.6, 13, dtype=torch.float64)
    plane = torch.cartesian_prod(grid, grid)
    there = distort(plane, LENSES[lens])
    assert (there - plane).abs().max() > 1e-3
    torch.testing.assert_close(undistort(there, LENSES[lens]), plane, atol=1e-12, rtol=0)
    torch.testing.assert_close(
        distort(undistort(plane, LENSES[lens]), LENSES[lens]), plane, atol=1e-12, rtol=0
    )


def test_distortion_is_opencvs():
    """Values by hand of the formula in OpenCV's documentation."""
    x, y = 0.3, -0.2
    k1, k2, p1, p2, k3 = LENSES['wide']
    rr = x * x + y * y
    radial = 1 + k1 * rr + k2 * rr**2 + k3 * rr**3
    expected = [
        x * radial + 2 * p1 * x * y + p2 * (rr + 2 * x * x),
        y * radial + p1 * (rr + 2 * y * y) + 2 * p2 * x * y,
    ]
    out = distort(torch.tensor([x, y], dtype=torch.float64), LENSES['wide'])
    torch.testing.assert_close(out, torch.tensor(expected, dtype=torch.float64))


def test_resized_keeps_directions():
    """Four pixels of a picture twice as large surround the center that they replace."""
    cam = camera(LENSES['phone'])
    pixels = torch.tensor([[7.25, 3.5], [60.0, 41.0]])
    _, dirs = cam.rays(pixels)
    _, large = cam.resized(128, 144).rays(pixels * torch.tensor([2.0, 3.0]))
    torch.testing.assert_close(large, dirs)


def test_opencv_axes_are_flipped_ones():
    """A camera given by OpenCV's axes is the same with y and z of its frame reversed."""
    ours = camera()
    opencv = ours.pose.clone()
    opencv[:3, 1:3] *= -1
    cam = Camera.from_opencv(opencv, 120.0, 110.0, 33.0, 22.5, (64, 48))
    torch.testing.assert_close(cam.rays(), ours.rays())
    forward = opencv[:3, 2]
    _, axis = cam.rays(torch.tensor([33.0, 22.5]))
    torch.testing.assert_close(axis, forward)


def test_look_at_sees_its_target_in_the_middle_and_up_is_up():
    """The target is at the principal point; what lies above it is above in the picture."""
    target = torch.tensor([0.2, -0.1, 0.4])
    cam = Camera.from_fov(look_at((2.0, 1.0, 1.5), target), 0.7, 80, 60)
    pixels, depth = cam.project(torch.stack([target, target + torch.tensor([0.0, 0.0, 0.1])]))
    torch.testing.assert_close(pixels[0], torch.tensor([40.0, 30.0]), atol=1e-3, rtol=0)
    assert depth[0].item() == pytest.approx((torch.tensor([2.0, 1.0, 1.5]) - target).norm().item())
    assert pixels[1, 0].item() == pytest.approx(40.0, abs=1e-3)
    assert pixels[1, 1] < 30


@pytest.mark.parametrize('up', 'xyz')
def test_orbits_surround_their_target(up):
    """All at the radius and elevation, evenly turned, looking at the target, seen upright."""
    target = (0.1, 0.2, 0.3)
    axis = 'xyz'.index(up)
    cameras = orbit(6, 2.5, 30.0, target=target, up=up, size=(40, 20))
    centers = torch.stack([c.center for c in cameras]) - torch.tensor(target)
    torch.testing.assert_close(centers.norm(dim=-1), torch.full((6,), 2.5))
    torch.testing.assert_close(centers[:, axis], torch.full((6,), 2.5 * 0.5))
    assert centers[0, (axis + 1) % 3].item() == pytest.approx(2.5 * 0.75**0.5, rel=1e-5)
    normal = torch.linalg.cross(centers[0], centers[1])
    assert normal[axis] > 0  # counter-clockwise seen from above
    torch.testing.assert_close(centers.sum(0)[(axis + 1) % 3], torch.tensor(0.0), atol=1e-5, rtol=0)
    for cam in cameras:
        middle, _ = cam.project(torch.tensor(target))
        torch.testing.assert_close(middle, torch.tensor([20.0, 10.0]), atol=1e-4, rtol=0)
        assert cam.pose[axis, 1] > 0


def test_rays_of_cameras_are_stacked():
    """Row v is what camera v sees."""
    cameras = orbit(3, 2.0, size=(5, 4))
    origins, dirs = stack_rays(cameras)
    assert dirs.shape == (3, 4, 5, 3)
    torch.testing.assert_close((origins[1], dirs[1]), cameras[1].rays())
    with pytest.raises(ValueError, match=r'\[\(5, 4\), \(10, 8\)\]; bring them to one'):
        stack_rays([cameras[0], cameras[1].resized(10, 8)])


def _scaled() -> torch.Tensor:
    return torch.diag(torch.tensor([2.0, 2.0, 2.0, 1.0]))


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: Camera(torch.eye(3), 1, 1, 0, 0, 2, 2), r'a pose is a matrix \(4, 4\)'),
        (lambda: Camera(_scaled(), 1, 1, 0, 0, 2, 2), 'no rigid motion: its axes are off .* by 3'),
        (
            lambda: Camera(torch.diag(torch.tensor([1.0, 1, -1, 1])), 1, 1, 0, 0, 2, 2),
            'determinant -1',
        ),
        (lambda: Camera(torch.eye(4), 0, 1, 0, 0, 2, 2), 'must be positive, got fx=0'),
        (lambda: Camera(torch.eye(4), 1, 1, 0, 0, 0, 2), 'at least one pixel, got width=0'),
        (lambda: Camera(torch.eye(4), 1, 1, 0, 0, 2, 2, (0.1,)), 'has 1 coefficients; give'),
        (lambda: Camera.from_fov(torch.eye(4), 40.0, 2, 2), r'fov_x=40.0 must be an angle in rad'),
        (lambda: look_at((0, 0, 1), (0, 0, 1)), 'is the target; move one'),
        (lambda: look_at((0, 0, 1), (0, 0, 0)), 'leaves its roll open; give another up'),
        (lambda: orbit(0, 1.0), 'num=0 must be at least 1'),
        (lambda: orbit(2, 1.0, 90.0), 'elevation_deg=90.0 between -90 and 90'),
        (lambda: orbit(2, 1.0, up='w'), "up='w' 'x', 'y' or 'z'"),
        (lambda: stack_rays([]), r'got \[\]'),
    ],
)
def test_errors_say_what_to_do(make, message):
    """Each names the argument, the value and the expectation."""
    with pytest.raises(ValueError, match=message):
        make()


def test_angles_are_radians_in_from_fov_and_degrees_in_orbit():
    """``fov_x`` is a file's radians; what people type is in degrees and says so."""
    (cam,) = orbit(1, 2.0, fov_deg=90.0, size=(10, 10))
    assert cam.fx == pytest.approx(5.0)
    assert radians(90) == pytest.approx(pi / 2)
