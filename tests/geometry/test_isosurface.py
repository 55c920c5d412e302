"""Meshes of analytic fields have the areas, topology and closure of the shapes they show."""

from math import log, pi

import numpy as np
import pytest
import torch
import trimesh
from mmengine.logging import MMLogger
from torch import nn

from ddmi_toolkit.geometry.corners import evaluate_corners
from ddmi_toolkit.geometry.isosurface import extract_mesh, outward_normals, save_mesh
from ddmi_toolkit.structures import Field, PlaneLayout, Points, seeded_normal

AXES = [dict(name=a, size=16, low=-0.55, high=0.55) for a in 'xyz']
LAYOUT = PlaneLayout(AXES, ['xy', 'yz', 'xz'], align_corners=True)


class Analytic(nn.Module):
    """Evaluates a function of dense coordinates; remembers the largest request."""

    def __init__(self, function):
        super().__init__()
        self.function, self.largest = function, 0

    def forward(self, state, coords, *, scale=None, dirs=None):
        x = coords.dense()
        self.largest = max(self.largest, x[..., 0].numel())
        return self.function(x)[..., None]


def make_field(function) -> Field:
    return Field(Analytic(function), {'unused': torch.zeros(1, 1)}, LAYOUT, 1)


def ball(radius=0.4, center=(0.0, 0.0, 0.0), gain=1.0):
    return lambda x: gain * (radius - (x - torch.tensor(center)).norm(dim=-1))


def box(*half, center=(0.0, 0.0, 0.0)):
    return lambda x: (torch.tensor(half) - (x - torch.tensor(center)).abs()).amin(-1)


def torus(x):
    return 0.1 - torch.stack([x[..., ::2].norm(dim=-1) - 0.35, x[..., 1]], -1).norm(dim=-1)


def union(*functions):
    return lambda x: torch.stack([f(x) for f in functions]).amax(0)


def wave(x):
    return (6 * x).sin().sum(-1) + 0.3


SHAPES = dict(
    ball=ball(),
    shifted_ball=ball(0.3, (0.1, -0.07, 0.03)),
    steep_ball=ball(0.35, gain=300.0),
    small_ball=ball(0.06, (-0.31, 0.2, 0.11)),
    torus=torus,
    cube_on_corners=box(0.275, 0.275, 0.275),
    brick=box(0.4, 0.123, 0.31),
    plate=box(0.45, 0.03, 0.45),
    rod=box(0.02, 0.5, 0.02),
    at_the_border=ball(0.3, (0.5, 0.0, 0.0)),
    full=lambda x: x[..., 0] * 0 + 1,
    wave=wave,
    two=union(ball(0.15, (0.3, 0.0, 0.0)), ball(0.1, (-0.3, 0.1, 0.0))),
    table=union(
        box(0.45, 0.02, 0.45, center=(0.0, 0.3, 0.0)),
        *[box(0.02, 0.3, 0.02, center=(x, 0.0, z)) for x in (-0.4, 0.4) for z in (-0.4, 0.4)],
    ),
)


class TriPlane(nn.Module):
    """A small network on the sum of three planes."""

    def __init__(self, seed):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
        for i, p in enumerate(self.net.parameters()):
            p.data = 0.5 * seeded_normal([seed], p.shape, f'net{i}')[0]

    def forward(self, state, coords, *, scale=None, dirs=None):
        planes = LAYOUT.planes
        samples = [LAYOUT.sample(p, state[p], coords.project(p)) for p in planes]
        return self.net(sum(coords.spread(p, s) for p, s in zip(planes, samples, strict=True)))


def trained_field(shape, seed: int, steps: int = 60) -> Field:
    """A tri-plane fitted to the occupancy of a shape for a moment."""
    state = {p: nn.Parameter(0.1 * seeded_normal([seed], (8, 16, 16), p)) for p in LAYOUT.planes}
    network = TriPlane(seed)
    optimizer = torch.optim.Adam([*network.parameters(), *state.values()], 0.03)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.rand(1, 1024, 3, generator=generator) * 1.1 - 0.55
        target = (shape(x) > 0).float()
        logits = network(state, Points(x, LAYOUT))[..., 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Field(network, {p: v.detach() for p, v in state.items()}, LAYOUT, 1)


def assert_equals_dense(field: Field, threshold: float = 0.5) -> None:
    sparse = extract_mesh(field, 128, threshold)
    dense = extract_mesh(field, 128, threshold, exhaustive=True)
    assert sparse.vertices.shape == dense.vertices.shape
    assert np.abs(sparse.vertices - dense.vertices).max() < 1e-4 * 1.1 / 128
    assert np.array_equal(sparse.faces, dense.faces)
    assert dense.metadata['num_queries'] == 129**3
    assert sparse.metadata['num_queries'] * 5 < 129**3


@pytest.mark.parametrize('name', SHAPES)
def test_coarse_to_fine_equals_dense_with_a_fifth_of_the_queries(name):
    assert_equals_dense(make_field(SHAPES[name]))


@pytest.mark.parametrize('name', ['ball', 'torus', 'brick', 'plate', 'two', 'table'])
def test_trained_fields_equal_dense_where_the_surface_is_touched(name):
    """Every part that was found is the dense part, vertex for vertex."""
    field = trained_field(SHAPES[name], seed=len(name))
    sparse = extract_mesh(field, 128, 0.2)
    dense = extract_mesh(field, 128, 0.2, exhaustive=True)
    assert sparse.metadata['num_queries'] * 5 < 129**3
    assert sparse.is_watertight
    found = {tuple(v) for v in (sparse.vertices * 1e7).round().astype(int)}
    parts = trimesh.graph.connected_components(dense.edges, nodes=np.arange(len(dense.vertices)))
    keys = [tuple(v) for v in (dense.vertices * 1e7).round().astype(int)]
    touched = [part for part in parts if any(keys[i] in found for i in part)]
    assert sum(map(len, touched)) == len(sparse.vertices)
    assert len(sparse.vertices) > 0.98 * len(dense.vertices)


@pytest.mark.parametrize('resolution', [16, 33, 100])
def test_any_resolution_equals_dense(resolution):
    """Also where the coarse cells do not fill the box evenly."""
    field = make_field(SHAPES['shifted_ball'])
    sparse = extract_mesh(field, resolution)
    dense = extract_mesh(field, resolution, exhaustive=True)
    assert np.array_equal(sparse.vertices, dense.vertices)


def test_a_ball_has_the_right_size_place_and_orientation():
    """Radius to 1e-3, area to 1 %, no shift by half a cell, closed, one handle-free part."""
    mesh = extract_mesh(make_field(ball(0.4, (0.05, 0.0, -0.02))), 64)
    offset = mesh.vertices - [0.05, 0.0, -0.02]
    assert np.abs(np.linalg.norm(offset, axis=1) - 0.4).max() < 1e-3
    assert abs(mesh.area / (4 * pi * 0.4**2) - 1) < 0.01
    assert abs(mesh.volume / (4 / 3 * pi * 0.4**3) - 1) < 0.01
    assert np.abs(mesh.center_mass - [0.05, 0.0, -0.02]).max() < 1e-4
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.euler_number == 2


@pytest.mark.parametrize(('name', 'euler'), [('torus', 0), ('two', 4), ('cube_on_corners', 2)])
def test_topology(name, euler):
    mesh = extract_mesh(make_field(SHAPES[name]), 64)
    assert mesh.is_watertight
    assert mesh.euler_number == euler


@pytest.mark.parametrize('resolution', [32, 55])
def test_surfaces_through_the_corners_stay_closed(resolution):
    """Faces of a cube exactly on grid corners, where values are 0."""
    mesh = extract_mesh(make_field(SHAPES['cube_on_corners']), resolution)
    assert mesh.is_watertight
    bevels = 12 * 0.55 * (1.1 / resolution) ** 2  # marching cubes cuts edges by up to a cell
    assert 0.55**3 - bevels < mesh.volume < 0.55**3 + 1e-3 * 0.55**2


def test_shapes_are_closed_at_the_end_of_the_box():
    cut = extract_mesh(make_field(SHAPES['at_the_border']), 64)
    assert cut.is_watertight
    assert cut.vertices[:, 0].max() == 0.55
    cap = 0.25  # the lid is at 0.05 from the center: the ball misses a cap of that height
    expected = 4 / 3 * pi * 0.3**3 - pi * cap**2 * (3 * 0.3 - cap) / 3
    assert abs(cut.volume / expected - 1) < 0.01
    full = extract_mesh(make_field(SHAPES['full']), 16)
    assert full.is_watertight
    assert full.volume == pytest.approx(1.1**3, rel=1e-5)


def test_threshold_is_a_probability():
    """sigmoid(10 (0.4 - r)) = 0.2 at r = 0.4 + log(4) / 10."""
    mesh = extract_mesh(make_field(ball(0.4, gain=10.0)), 64, threshold=0.2)
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert np.abs(radius - (0.4 + log(4) / 10)).max() < 1e-3
    for threshold in (1.0, 0.0, -3.0):
        with pytest.raises(ValueError, match=rf'threshold={threshold} must be a probability'):
            extract_mesh(make_field(ball()), 16, threshold=threshold)
    with pytest.raises(ValueError, match='resolution=0 must be at least one cell'):
        extract_mesh(make_field(ball()), 0)


def test_parts_between_the_coarse_corners_need_an_exhaustive_search():
    """A speck in the middle of a coarse cell, far from the big part."""
    middle = -0.55 + 1.1 / 32 * 2.5
    field = make_field(
        union(ball(0.2, gain=50.0), lambda x: ball(0.012, (middle,) * 3)(x).clamp(min=-0.001))
    )
    assert extract_mesh(field, 128).body_count == 1
    assert extract_mesh(field, 128, exhaustive=True).body_count == 2


def test_the_surface_is_followed_out_of_sight_of_the_coarse_corners():
    """A needle thinner than half a coarse cell, attached to a ball, is meshed to its tip."""
    middle = -0.55 + 1.1 / 32 * 16.5
    needle = box(0.25, 0.01, 0.01, center=(0.25, middle, middle))
    field = make_field(union(ball(0.15), lambda x: needle(x).clamp(min=-0.001)))
    mesh = extract_mesh(field, 128)
    assert mesh.vertices[:, 0].max() > 0.49
    assert mesh.body_count == 1


def test_an_empty_field_gives_an_empty_mesh_and_a_warning(monkeypatch):
    messages = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'callHandlers', lambda record: messages.append(record.getMessage()))
    mesh = extract_mesh(make_field(lambda x: x[..., 0] * 0 - 3), 32)
    assert 'values reach -3, the surface is at 0; the mesh is empty' in messages[0]
    assert len(mesh.faces) == 0
    assert mesh.metadata['num_queries'] == 33**3


def test_normals_of_the_field_point_outwards():
    """Exact on a ball; on the lid at the end of the box the faces' own are kept."""
    mesh = extract_mesh(make_field(ball(0.4)), 32, field_normals=True)
    expected = mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    assert np.abs(mesh.vertex_normals - expected).max() < 1e-6
    cut_field = make_field(SHAPES['at_the_border'])
    cut = extract_mesh(cut_field, 32)
    normals = outward_normals(cut_field, cut)
    inner_lid = (cut.vertices[:, 0] == 0.55) & (np.linalg.norm(cut.vertices[:, 1:], axis=1) < 0.2)
    assert inner_lid.any()
    assert np.allclose(normals[inner_lid], [1, 0, 0])


def test_queries_come_in_parts_of_a_stated_size():
    field = make_field(ball())
    corners = evaluate_corners(field, 64, 0.0, max_queries=2000)
    assert field.evaluator.largest <= 2000
    assert np.array_equal(corners.values, evaluate_corners(field, 64, 0.0).values)
    assert corners.num_dense == 65**3


def test_the_memory_budget_is_kept():
    with pytest.raises(ValueError, match=r'resolution=512 needs 3.0 GiB, the budget is 1.0 GiB'):
        extract_mesh(make_field(ball()), 512, max_bytes=2**30)


def test_wrong_fields_are_named():
    layout = PlaneLayout(AXES[:2], ['xy'])
    flat = Field(Analytic(ball()), {'unused': torch.zeros(1, 1)}, layout, 1)
    with pytest.raises(ValueError, match="over the axes 'xy'"):
        extract_mesh(flat)
    batch = Field(Analytic(ball()), {'unused': torch.zeros(3, 1)}, LAYOUT, 1)
    with pytest.raises(ValueError, match=r'batch of 3 fields.*field\[i\]'):
        extract_mesh(batch)
    with pytest.raises(ValueError, match='not a number at 4913 of 4913'):
        extract_mesh(make_field(lambda x: x[..., 0] * float('nan')), 16)


@pytest.mark.parametrize('suffix', ['glb', 'ply', 'obj'])
def test_files_keep_vertices_and_faces(tmp_path, suffix):
    mesh = extract_mesh(make_field(ball(0.4, (0.1, 0.0, 0.0))), 16)
    path = save_mesh(mesh, tmp_path / 'deep' / f'ball.{suffix}')
    loaded = trimesh.load(path, process=False)
    again = loaded if suffix != 'glb' else next(iter(loaded.geometry.values()))
    assert again.faces.shape == mesh.faces.shape
    assert again.volume == pytest.approx(mesh.volume, rel=1e-4)


@pytest.mark.parametrize('suffix', ['glb', 'ply', 'obj'])
def test_files_keep_normals_that_differ_from_the_faces(tmp_path, suffix):
    ball = trimesh.creation.icosphere(subdivisions=1)
    normals = np.tile([0.0, 0.6, 0.8], (len(ball.vertices), 1))
    mesh = trimesh.Trimesh(ball.vertices, ball.faces, vertex_normals=normals, process=False)
    loaded = trimesh.load(save_mesh(mesh, tmp_path / f'ball.{suffix}'), process=False)
    again = loaded if suffix != 'glb' else next(iter(loaded.geometry.values()))
    assert np.abs(again.vertex_normals - normals).max() < 1e-6


def test_unknown_formats_and_empty_meshes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"cannot write '.blend'; choose one of .glb, .ply, .obj"):
        save_mesh(trimesh.creation.box(), tmp_path / 'a.blend')
    with pytest.raises(ValueError, match='the mesh is empty'):
        save_mesh(trimesh.Trimesh(), tmp_path / 'a.ply')
