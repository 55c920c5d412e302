"""Pictures show the mesh where it is, upright and lit from above."""

import numpy as np
import pytest
import trimesh

from ddmi_toolkit.geometry.raycast import Camera, cloud_mesh, contact_sheet, render_mesh


def covered(image: np.ndarray) -> np.ndarray:
    return (image < 250).any(-1)


def test_a_ball_fills_the_picture_as_a_disk():
    image = render_mesh(trimesh.creation.icosphere(subdivisions=4), 64)
    rows, cols = np.nonzero(covered(image))
    assert abs(rows.mean() - 31.5) < 0.5
    assert abs(cols.mean() - 31.5) < 0.5
    assert covered(image).mean() == pytest.approx(np.pi / 4, abs=0.03)
    assert (image[0, 0] == 255).all()


def test_pictures_do_not_depend_on_place_and_size():
    mesh = trimesh.creation.box((1.0, 2.0, 0.5))
    moved = mesh.copy()
    moved.apply_scale(7.0)
    moved.apply_translation([3.0, -4.0, 5.0])
    difference = render_mesh(mesh, 48).astype(int) - render_mesh(moved, 48)
    assert np.abs(difference).mean() < 0.5


def test_up_is_y_and_azimuth_turns_around_it():
    """A knob on top is drawn above; one at +x is drawn right from the front, left from behind."""
    ball = trimesh.creation.icosphere(subdivisions=2)
    top = trimesh.creation.icosphere(subdivisions=2, radius=0.4)
    top.apply_translation([0.0, 1.6, 0.0])
    side = top.copy()
    side.apply_translation([1.6, -1.6, 0.0])
    front, behind = Camera(azimuth=0, elevation=0), Camera(azimuth=180, elevation=0)
    rows, _ = np.nonzero(covered(render_mesh(ball + top, 64, camera=front)))
    widths = np.bincount(rows)
    assert widths[rows.min() + 5] < widths[rows.max() - 5]
    for camera, is_right in ((front, True), (behind, False)):
        _, cols = np.nonzero(covered(render_mesh(ball + side, 64, camera=camera)))
        heights = np.bincount(cols)
        assert (heights[cols.max() - 5] < heights[cols.min() + 5]) == is_right


def test_light_comes_from_above_and_parts_shade_each_other():
    camera = Camera(azimuth=0, elevation=0)
    image = render_mesh(trimesh.creation.icosphere(subdivisions=3), 64, camera=camera)
    assert image[12, 32].mean() > image[52, 32].mean() + 30
    floor = trimesh.creation.box((4.0, 0.1, 4.0))
    lid = trimesh.creation.box((4.0, 0.1, 4.0))
    lid.apply_translation([0.0, 0.5, 0.0])
    above = Camera(azimuth=0, elevation=10)
    alone = render_mesh(floor, 64, camera=above)
    hidden = render_mesh(floor + lid, 64, camera=above)
    assert np.median(hidden[covered(hidden)]) < np.median(alone[covered(alone)])


def test_sheets_are_visible_from_both_sides():
    sheet = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]], process=False)
    front = render_mesh(sheet, 32, camera=Camera(0, 0))
    behind = render_mesh(sheet, 32, camera=Camera(180, 0))
    assert covered(front).sum() == pytest.approx(covered(behind).sum(), rel=0.1)
    assert behind[covered(behind)].mean() > 60


def test_an_empty_mesh_is_an_empty_picture():
    assert (render_mesh(trimesh.Trimesh(), 16) == 255).all()


def test_contact_sheets_are_read_like_text():
    box, nothing = trimesh.creation.box(), trimesh.Trimesh()
    sheet = contact_sheet([nothing, box, box], columns=2, size=32)
    assert sheet.shape == (64, 64, 3)
    assert [covered(t).any() for t in (sheet[:32, :32], sheet[:32, 32:])] == [False, True]
    assert [covered(t).any() for t in (sheet[32:, :32], sheet[32:, 32:])] == [True, False]
    labelled = contact_sheet([nothing], labels=['seed 7'], size=48)
    assert labelled.shape[0] > 48
    assert covered(labelled[48:]).any()
    with pytest.raises(ValueError, match='2 labels given for 1 meshes'):
        contact_sheet([box], labels=['a', 'b'])
    with pytest.raises(ValueError, match='needs meshes'):
        contact_sheet([])


def test_every_point_of_a_cloud_is_an_icosahedron_of_its_radius():
    """Areas add up; the corners lie around their point."""
    points, radii = np.array([[0.0, 0, 0], [5, 0, 0], [0, 7, 1]]), np.array([0.1, 0.2, 0.3])
    one = trimesh.creation.icosphere(subdivisions=0, radius=1.0)
    mesh = cloud_mesh(points, radii)
    assert mesh.area == pytest.approx(one.area * (radii**2).sum())
    corners = mesh.vertices.reshape(3, -1, 3)
    np.testing.assert_allclose(corners.mean(1), points, atol=1e-12)
    distances = np.linalg.norm(corners - points[:, None], axis=-1)
    np.testing.assert_allclose(distances, np.broadcast_to(radii[:, None], distances.shape))
    assert cloud_mesh(points, 0.1).area == pytest.approx(one.area * 0.03)
