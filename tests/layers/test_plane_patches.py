"""Planes cut into patches: what a patch holds, and where it lies."""

import pytest
import torch

from ddmi_toolkit.layers.plane_patches import PlanePatches
from ddmi_toolkit.structures import PlaneLayout

CLIP = PlaneLayout(
    [
        dict(name='x', size=16, low=-2.0, high=3.0),
        dict(name='y', size=8),
        dict(name='t', size=3, strided=False),
    ],
    ['xy', 'xt', 'yt'],
    2,
)
LINE = PlaneLayout([dict(name='t', size=12)], ['t'], 2)
CASES = [(CLIP, dict(x=4, y=2, t=1)), (CLIP, 1), (LINE, 3), (LINE, dict(t=2))]


@pytest.mark.parametrize(('layout', 'size'), CASES)
def test_merge_is_the_inverse_of_split(layout, size):
    patches = PlanePatches(layout, size)
    z = torch.randn(2, 3, layout.num_tokens(), generator=torch.Generator().manual_seed(0))
    parts = patches.split(z)
    assert torch.equal(patches.merge(parts), z)
    expected = [(2, n, 3 * area) for n, area in zip(patches.counts, patches.areas, strict=True)]
    assert [tuple(p.shape) for p in parts] == expected


def test_a_patch_holds_the_nodes_of_its_box():
    """Row-major boxes; of every channel all nodes, row-major."""
    patches = PlanePatches(CLIP, dict(x=4, y=2, t=1))
    z = torch.arange(2 * CLIP.num_tokens()).reshape(1, 2, -1)
    plane = CLIP.split(z)['xy'][0]  # rows y, columns x
    xy = patches.split(z)[0][0]
    for row in range(2):
        for col in range(2):
            box = plane[:, 2 * row : 2 * row + 2, 4 * col : 4 * col + 4]
            assert torch.equal(xy[2 * row + col], box.flatten())


@pytest.mark.parametrize('corners', [False, True])
def test_positions_of_an_axis_are_shared_by_its_planes(corners):
    """A patch of 'xt' and one of 'xy' at the same x have the same share of channels."""
    layout = PlaneLayout(list(CLIP.axes.values()), CLIP.planes, 2, align_corners=corners)
    patches = PlanePatches(layout, dict(x=2, y=2, t=1))
    xy, xt, yt = (
        p.unflatten(0, grid)
        for p, grid in zip(patches.positions(26).split(patches.counts), patches.grids, strict=True)
    )
    assert torch.equal(xy[0, :, :8], xt[2, :, :8])
    assert torch.equal(xy[:, 3, 8:16], yt[1, :, 8:16])
    assert torch.equal(xt[:, 3, 16:24], yt[:, 1, 16:24])
    for absent in (xy[..., 16:], xt[..., 8:16], yt[..., :8], xt[..., 24:]):
        assert absent.abs().max() == 0
    rows = torch.cat([xy.flatten(0, 1), xt.flatten(0, 1), yt.flatten(0, 1)])
    assert torch.cdist(rows, rows).fill_diagonal_(1).min() > 0.1  # no two patches coincide


def test_positions_differ_by_distance():
    """Products of sinusoids depend on the distance in patches alone, whatever the units."""
    p = PlanePatches(LINE, 1).positions(16)
    products = p @ p.T
    torch.testing.assert_close(products[1:, 1:], products[:-1, :-1])
    scaled = PlaneLayout([dict(name='t', size=12, low=5.0, high=500.0)], ['t'], 2)
    torch.testing.assert_close(PlanePatches(scaled, 1).positions(16), p)
    assert products[0, 0] > products[0, 1] > products[0, 2]


@pytest.mark.parametrize(
    ('layout', 'size', 'message'),
    [
        (
            CLIP,
            2,
            r"'xt' has 3 nodes along 't', which patches of 2 do not divide.*dict\(t=\.\.\.\)",
        ),
        (CLIP, dict(x=8, y=3, t=1), r"'xy' has 4 nodes along 'y', which patches of 3"),
        (CLIP, dict(x=2, y=2), r"patch_size=.* one for each of the axes \['t', 'x', 'y'\]"),
        (CLIP, dict(x=2, y=2, t=1, z=1), r"planes \['xy', 'xt', 'yt'\]"),
        (LINE, 0, 'patch_size=0 must be a positive integer'),
        (LINE, 1.5, 'patch_size=1.5 must be a positive integer'),
    ],
)
def test_patches_that_do_not_fit_are_named(layout, size, message):
    """Plane, axis, sizes and remedy."""
    with pytest.raises(ValueError, match=message):
        PlanePatches(layout, size)


def test_too_few_channels_for_positions_are_named():
    with pytest.raises(ValueError, match=r"5 channels are too few .* 3 axes 'xyt'; use at least 6"):
        PlanePatches(CLIP, 1).positions(5)
