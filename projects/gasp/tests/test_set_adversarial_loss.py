"""The losses of the game, against discriminators that are known."""

import math

import pytest
import torch
from gasp_project import SetAdversarialLoss
from torch import nn

from ddmi_toolkit.structures import PlaneLayout

LAYOUT = PlaneLayout(
    [dict(name='x', size=4, low=0.0, high=4.0), dict(name='y', size=4)], ['xy'], latent_stride=4
)


class Linear(nn.Module):
    """The logit is a weighted sum of all values; remembers what it was shown."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.seen = []

    def forward(self, coords, values):
        """Logits ``(B,)``."""
        self.seen.append((coords, values))
        return self.factor * values.sum((1, 2))


def game(factor=0.0, **changes):
    config = dict(layers=[dict(channels=2, num_neighbors=2)], r1_weight=0.0) | changes
    loss = SetAdversarialLoss(LAYOUT, 1, **config)
    loss.discriminator = Linear(factor)
    return loss


def batch(values=0.0):
    query = dict(y=torch.tensor([[-1.0, 1.0]] * 3), x=torch.tensor([[0.0, 2.0, 4.0]] * 3))
    return torch.full((3, 2, 3, 1), values), query


def test_a_discriminator_that_knows_nothing_costs_log_two_per_side():
    values, query = batch()
    assert game().generator_loss(values, values, query).item() == pytest.approx(math.log(2))
    loss = game().discriminator_loss(values, values, query)
    assert loss.item() == pytest.approx(2 * math.log(2))


def test_losses_are_logarithms_of_probabilities():
    """Logits 6 f v of six equal values v."""
    (real, query), (fake, _) = batch(1.0), batch(-0.5)
    p_real, p_fake = (1 / (1 + math.exp(-x)) for x in (6 * 0.1, -3 * 0.1))
    loss = game(0.1, weight=2.0)
    assert loss.generator_loss(fake, real, query).item() == pytest.approx(-2 * math.log(p_fake))
    expected = -math.log(p_real) - math.log(1 - p_fake)
    assert loss.discriminator_loss(fake, real, query).item() == pytest.approx(expected)


def test_r1_is_the_squared_gradient_of_the_probability():
    """``dp / dv = p (1 - p) f`` for each of six values; and it trains the discriminator."""
    values, query = batch(1.0)
    with_r1, without = game(0.1, r1_weight=8.0), game(0.1)
    p = 1 / (1 + math.exp(-0.6))
    penalty = with_r1.discriminator_loss(values, values, query) - without.discriminator_loss(
        values, values, query
    )
    assert penalty.item() == pytest.approx(4 * 6 * (p * (1 - p) * 0.1) ** 2, rel=1e-4)
    penalty.backward()
    assert with_r1.discriminator.factor.grad != 0


def test_occupancies_are_shown_as_signs_and_logits_as_probabilities():
    """As in a network that ends in a tanh: ``2 sigmoid(v) - 1``."""
    (target, query), (pred, _) = batch(1.0), batch(3.0)
    loss = game(is_binary=True)
    loss.discriminator_loss(pred, 1 - target, query)
    (_, real), (_, fake) = loss.discriminator.seen
    assert (real == -1).all()
    torch.testing.assert_close(fake, 2 * torch.sigmoid(torch.full_like(fake, 3.0)) - 1)


def test_coordinates_are_normalized_in_the_order_of_the_layout():
    values, query = batch()
    loss = game()
    loss.generator_loss(values, values, query)
    expected = torch.tensor([[-1, -1], [0, -1], [1, -1], [-1, 1], [0, 1], [1, 1.0]])
    assert torch.equal(loss.discriminator.seen[0][0][2], expected)


def test_gradients_reach_one_side_only():
    values, query = batch()
    pred = values.clone().requires_grad_()
    game(0.1, r1_weight=1.0).discriminator_loss(pred, values, query).backward()
    assert pred.grad is None
    game(0.1).generator_loss(pred, values, query).backward()
    assert (pred.grad != 0).all()
