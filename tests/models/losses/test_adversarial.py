"""The patch discriminator and the two sides of its game."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.layers.patch_discriminator import PatchDiscriminator
from ddmi_toolkit.registry import MODELS


class Constant(nn.Module):
    """Scores and features that are known: the sum over channels, and twice the input."""

    def forward(self, x):
        return x.sum(1, keepdim=True), [2 * x]


def build(**arguments):
    return MODELS.build(
        dict(type='PatchAdversarialLoss', base_channels=8, **arguments),
        role='AbstractAdversarialLoss',
    )


def with_known_scores(**arguments):
    loss = build(**arguments)
    loss.discriminator = Constant()
    return loss


def test_published_discriminator_has_its_size():
    """2.77 M parameters and 35 x 35 patches of a 256 x 256 picture with a scale channel."""
    with torch.device('meta'):
        net = PatchDiscriminator(2, 4, norm='batch')
        scores, features = net(torch.empty(1, 4, 256, 256))
    assert sum(p.numel() for p in net.parameters()) == 2_766_657
    assert scores.shape == (1, 1, 35, 35)
    assert [f.shape[1] for f in features] == [64, 128, 256, 512]


@pytest.mark.parametrize('norm', ['group', 'none'])
@pytest.mark.parametrize('dim', [2, 3])
def test_scores_of_a_sample_do_not_depend_on_the_batch(dim, norm):
    """Unlike with batch norms."""
    net = PatchDiscriminator(dim, 3, base_channels=8, num_layers=2, norm=norm).train()
    x = torch.randn(3, 3, *[12] * dim)
    torch.testing.assert_close(net(x)[0][1:2], net(x[1:2])[0])


def test_hinge_and_feature_matching_by_hand():
    """Scores 3a of the prediction a and 3b of the target b."""
    a, b = 0.2, -0.5
    pred, target = torch.full((2, 4, 4, 3), a), torch.full((2, 4, 4, 3), b)
    loss = with_known_scores(weight=0.5, feature_weight=4.0)
    expected = 0.5 * (4.0 * 2 * (a - b) - 3 * a)
    assert loss.generator_loss(pred, target, {}).item() == pytest.approx(expected, rel=1e-5)
    hinge = (max(0, 1 - 3 * b) + max(0, 1 + 3 * a)) / 2
    assert loss.discriminator_loss(pred, target, {}).item() == pytest.approx(hinge, rel=1e-5)


def test_discriminator_rests_once_it_is_sure():
    """Scores beyond the margins cost nothing."""
    pred, target = torch.full((1, 4, 4, 3), -0.5), torch.full((1, 4, 4, 3), 0.5)
    assert with_known_scores().discriminator_loss(pred, target, {}) == 0


def test_gradients_reach_one_side_only():
    """Of the discriminator's loss its weights, of the other the prediction.

    Within the margins the last bias shifts the scores of both alike, so that it has no gradient.
    """
    loss = build(dim=2)
    pred = torch.randn(2, 16, 16, 3, requires_grad=True)
    target = torch.randn(2, 16, 16, 3)
    loss.discriminator_loss(pred, target, {}).backward()
    assert pred.grad is None
    *weights, last_bias = loss.parameters()
    assert all(p.grad.abs().sum() > 0 for p in weights)
    assert last_bias.grad == 0
    loss.generator_loss(pred, target, {}).backward()
    assert (pred.grad.abs().flatten(1).sum(1) > 0).all()


def test_scale_is_one_more_channel():
    """The same picture at another scale is judged differently."""
    torch.manual_seed(0)
    loss = build(is_scale_aware=True)
    pred, target = torch.randn(2, 2, 16, 16, 3)
    scores = [
        loss.discriminator_loss(pred, target, dict(scale=torch.full((2,), s))) for s in (1.0, 0.5)
    ]
    assert scores[0] != scores[1]


@pytest.mark.parametrize(
    ('arguments', 'shape', 'message'),
    [
        (dict(), (2, 64, 3), r'dim=2 got values of shape \(2, 64, 3\).*grid of 2 axes'),
        (dict(is_scale_aware=True), (2, 8, 8, 3), r"needs query\['scale'\].*MultiScaleCrop"),
    ],
)
def test_unfit_values_are_named(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments).generator_loss(torch.zeros(shape), torch.zeros(shape), {})


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(dim=1), '2 or 3 axes, got dim=1'),
        (dict(norm='layer'), "norm must be one of .*'layer'"),
    ],
)
def test_unknown_discriminators_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)
