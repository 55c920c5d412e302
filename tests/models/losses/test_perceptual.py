"""The perceptual distance is one, and trains what it should."""

import pytest
import torch

from ddmi_toolkit.models.losses import PerceptualLoss


@pytest.fixture(scope='module')
def loss():
    return PerceptualLoss('test_resnet', layers=(0, 1, 2))


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize('shape', [(2, 32, 24, 3), (2, 3, 32, 32, 3), (2, 32, 32, 1)])
def test_zero_for_equal_and_positive_for_one_changed_pixel(loss, shape):
    """Images, clips and grey images."""
    target = images(*shape)
    pred = target.clone()
    assert loss(pred, target) == 0
    pred[0, ..., 9, 9, :] += 0.5
    assert loss(pred, target) > 1e-6


def test_symmetric(loss):
    """Prediction and target may be exchanged."""
    a, b = images(2, 32, 32, 3), images(2, 32, 32, 3, seed=1)
    torch.testing.assert_close(loss(a, b), loss(b, a))


def test_mean_over_images_and_frames(loss):
    """A batch's loss is the mean of its images'; frames count as images."""
    a, b = images(4, 32, 32, 3), images(4, 32, 32, 3, seed=1)
    single = torch.stack([loss(a[i : i + 1], b[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(loss(a, b), single.mean())
    clips = [x.unflatten(0, (2, 2)) for x in (a, b)]
    torch.testing.assert_close(loss(*clips), single.mean())


def test_bounded_by_the_distance_of_opposite_directions(loss):
    """Unit vectors of three layers are at most 4 apart each; ReLU features at most 2."""
    value = loss(images(1, 32, 32, 3), -images(1, 32, 32, 3))
    assert 0 < value <= 3 * 2 + 1e-5


def test_sum_of_layers_and_weight():
    """Each layer adds its distance; the weight is a factor."""
    a, b = images(1, 32, 32, 3), images(1, 32, 32, 3, seed=1)
    parts = sum(PerceptualLoss('test_resnet', layers=(i,))(a, b) for i in (0, 2))
    both = PerceptualLoss('test_resnet', layers=(0, 2), weight=2.5)(a, b)
    torch.testing.assert_close(both, 2.5 * parts)


def test_gradient_reaches_the_prediction_and_nothing_else(loss):
    """A step against the gradient comes closer; the backbone is untouched."""
    target = images(1, 32, 32, 3)
    pred = images(1, 32, 32, 3, seed=1).requires_grad_()
    value = loss.train()(pred, target)
    value.backward()
    grad = pred.grad
    assert (grad.abs().sum((0, 1, 2)) > 0).all()
    assert all(p.grad is None for p in loss.parameters())
    assert loss(pred - 0.1 * grad / grad.abs().max(), target) < value


def test_scattered_points_are_refused(loss):
    """The message says what to query in their place."""
    points = torch.zeros(2, 100, 3)
    with pytest.raises(ValueError, match=r'\(2, 100, 3\).*scattered points .* query a grid'):
        loss(points, points)


def test_shapes_and_channels_are_checked(loss):
    """No silent broadcasting, no images of 2 channels."""
    with pytest.raises(ValueError, match='differ in shape'):
        loss(torch.zeros(2, 32, 32, 3), torch.zeros(1, 32, 32, 3))
    with pytest.raises(ValueError, match=r'expected \(B, 3, H, W\)'):
        loss(torch.zeros(2, 32, 32, 2), torch.zeros(2, 32, 32, 2))


def test_checkpoints_hold_nothing_of_it(loss):
    """A trained model loads where the backbone's file is absent."""
    assert not loss.state_dict()
    loss.load_state_dict({}, strict=True)
