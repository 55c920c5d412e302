"""Losses of one frame: only that frame matters, and only its query is read."""

import pytest
import torch

from ddmi_toolkit.models.losses import OneFrame, OneFrameGame

GAME = dict(type='PatchAdversarialLoss', base_channels=4, num_layers=1)


def clips(seed, num_frames=3):
    return torch.rand(2, num_frames, 8, 8, 3, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def query():
    return dict(frame=torch.tensor([0, 2]))


def test_the_loss_is_that_of_the_frames_named(query):
    pred, target = clips(0), clips(1)
    loss = OneFrame(dict(type='L1Loss', weight=2.0, reduction='mean'))
    expected = 2 * ((pred[0, 0] - target[0, 0]).abs() + (pred[1, 2] - target[1, 2]).abs()).mean()
    assert torch.allclose(loss(pred, target, query), expected / 2)


def test_other_frames_get_no_gradient(query):
    pred = clips(0).requires_grad_()
    OneFrame(dict(type='MSELoss'))(pred, clips(1), query).backward()
    touched = pred.grad.abs().sum((2, 3, 4)) > 0
    assert touched.tolist() == [[True, False, False], [False, False, True]]


def test_the_game_is_that_of_the_frames_named(query):
    game = OneFrameGame(GAME)
    pred, target = clips(0), clips(1)
    still = [torch.stack([x[0, 0], x[1, 2]]) for x in (pred, target)]
    for side in ('generator_loss', 'discriminator_loss'):
        whole = getattr(game, side)(pred, target, query)
        assert torch.equal(whole, getattr(game.game, side)(*still, query))


@pytest.mark.parametrize('wrapper', [OneFrame(dict(type='L1Loss')), OneFrameGame(GAME)])
def test_the_weight_is_that_of_what_is_wrapped(wrapper):
    """So that a hook that moves it reaches it."""
    wrapper.weight = 0.25
    assert wrapper.weight == getattr(wrapper, 'loss', getattr(wrapper, 'game', None)).weight == 0.25


@pytest.mark.parametrize(
    'shape, query, message',
    [
        ((2, 8, 8, 3), dict(frame=torch.zeros(2).long()), 'have no frames'),
        ((2, 3, 8, 8, 3), None, "let the data set draw query\\['frame'\\]"),
        ((2, 3, 8, 8, 3), dict(frame=torch.tensor([0, 3])), r'is \[0, 3\]; expected one index be'),
        ((2, 3, 8, 8, 3), dict(frame=torch.tensor([0])), r'is \[0\]; expected one .* 2 clips'),
    ],
)
def test_queries_that_do_not_fit_are_refused(shape, query, message):
    values = torch.zeros(shape)
    with pytest.raises(ValueError, match=message):
        OneFrame(dict(type='L1Loss'))(values, values, query)
