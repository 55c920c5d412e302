"""Partial clouds as conditions: the order of points does not matter, their places do."""

import numpy as np
import pytest
import torch

from ddmi_toolkit.models.conditioners import PointCloudConditioner


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = PointCloudConditioner(channels=16, num_tokens=4, num_blocks=2, num_heads=2)
    for parameter in net.parameters():  # residual blocks begin as their shortcut
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return net.double()


def clouds(num=2, points=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(num, points, 3, generator=generator, dtype=torch.float64) - 0.5


def test_the_order_of_the_points_does_not_matter(net):
    points = clouds()
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    for name, value in net.embed(points).items():
        torch.testing.assert_close(net.embed(points[:, order])[name], value)


def test_places_of_the_points_matter(net):
    """A shift by a hundredth of a shape changes vector and every token."""
    before, after = net.embed(clouds()), net.embed(clouds() + 0.01)
    assert (before['vector'] - after['vector']).abs().amax(1).min() > 1e-3
    assert (before['context'] - after['context']).abs().amax(2).min() > 1e-4


def test_points_that_occur_twice_change_only_the_mean_of_attention(net):
    """The vector is a maximum: a cloud and its double have the same."""
    points = clouds()
    torch.testing.assert_close(
        net.embed(points.repeat(1, 2, 1))['vector'], net.embed(points)['vector']
    )
    torch.testing.assert_close(
        net.embed(points.repeat(1, 2, 1))['context'], net.embed(points)['context']
    )


def test_clouds_of_a_batch_are_apart(net):
    torch.testing.assert_close(
        net.embed(clouds()[1:])['context'][0], net.embed(clouds())['context'][1]
    )


def test_all_parts_are_trained(net):
    cond = net(clouds().float(), torch.arange(2))
    sum(v.square().sum() for v in cond.values()).backward()
    for name, parameter in net.named_parameters():
        if name.startswith('null'):
            assert parameter.grad is not None
        else:
            assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize('suffix', ['.ply', '.xyz', '.npz', '.npy'])
def test_files_are_read(net, suffix, tmp_path):
    import trimesh

    points, path = clouds(1)[0].numpy(), tmp_path / f'cloud{suffix}'
    if suffix == '.npz':
        np.savez(path, points=points)
    elif suffix == '.npy':
        np.save(path, points)
    else:
        trimesh.PointCloud(points).export(path)
    parsed = net.parse(str(path))
    assert parsed.dtype == torch.float32
    torch.testing.assert_close(parsed.double(), torch.from_numpy(points), atol=1e-6, rtol=0)


def test_bad_input_is_named(net, tmp_path):
    np.savez(tmp_path / 'other.npz', vertices=np.zeros((3, 3)))
    np.save(tmp_path / 'flat.npy', np.zeros(5))
    np.save(tmp_path / 'far.npy', np.full((4, 3), 37.0))
    np.save(tmp_path / 'nan.npy', np.full((4, 3), np.nan))
    (tmp_path / 'broken.ply').write_text('ply\nnonsense')
    for value, error, message in [
        (3, TypeError, 'expected a point cloud file, got int 3'),
        ('none.ply', ValueError, r'none\.ply does not exist'),
        (tmp_path / 'other.npz', ValueError, r"no array 'points', but \['vertices'\]"),
        (tmp_path / 'flat.npy', ValueError, r'shape \(5,\); expected \(P, 3\)'),
        (tmp_path / 'far.npy', ValueError, r'coordinates reach 37; .*within 0.55'),
        (tmp_path / 'nan.npy', ValueError, 'not finite'),
        (tmp_path / 'broken.ply', ValueError, 'cannot be read as a point cloud'),
    ]:
        with pytest.raises(error, match=message):
            net.parse(value)
    with pytest.raises(ValueError, match=r'clouds of shape \(2, 50\)'):
        net.embed(clouds()[..., 0])
    with pytest.raises(ValueError, match='not finite'):
        net.embed(clouds() * float('nan'))
    with pytest.raises(ValueError, match='num_tokens must be at least 1, got 0'):
        PointCloudConditioner(num_tokens=0)
