"""Elementwise losses: likelihoods and reductions."""

import math

import pytest
import torch

from ddmi_toolkit.models.losses import BCELoss, L1Loss, MSELoss

LOSSES = [L1Loss, MSELoss, BCELoss]


def batch():
    torch.manual_seed(0)
    return torch.randn(3, 5, 2), torch.randint(0, 2, (3, 5, 2)).float()


@pytest.mark.parametrize('cls', LOSSES)
def test_sum_is_the_mean_times_the_elements_of_a_sample(cls):
    pred, target = batch()
    total, mean = cls(reduction='sum')(pred, target), cls(reduction='mean')(pred, target)
    torch.testing.assert_close(total, 10 * mean)


@pytest.mark.parametrize('cls', LOSSES)
def test_sum_is_averaged_over_the_batch(cls):
    pred, target = batch()
    each = [cls()(pred[i : i + 1], target[i : i + 1]) for i in range(3)]
    torch.testing.assert_close(cls()(pred, target), torch.stack(each).mean())


@pytest.mark.parametrize('cls', LOSSES)
def test_weight_is_a_plain_number_that_scales(cls):
    loss, (pred, target) = cls(weight=2.0), batch()
    before = loss(pred, target)
    loss.weight = 1.0
    torch.testing.assert_close(before, 2 * loss(pred, target))


def test_known_values():
    pred, target = torch.tensor([[[2.0]], [[0.0]]]), torch.tensor([[[0.0]], [[1.0]]])
    assert L1Loss()(pred, target).item() == pytest.approx(1.5)
    assert MSELoss()(pred, target).item() == pytest.approx(2.5)
    nats = (math.log(1 + math.exp(2)) + math.log(2)) / 2
    assert BCELoss()(pred, target).item() == pytest.approx(nats)


def test_bce_is_finite_for_extreme_logits_and_takes_boolean_targets():
    pred = torch.tensor([[1e4, -1e4]])
    assert BCELoss()(pred, torch.tensor([[False, True]])).item() == pytest.approx(2e4)
    assert BCELoss()(pred, torch.tensor([[True, False]])).item() == 0


@pytest.mark.parametrize('cls', LOSSES)
def test_half_precision_is_summed_in_float32(cls):
    pred = torch.ones(1, 4096, 1, dtype=torch.bfloat16)
    out = cls()(pred, torch.zeros_like(pred))
    assert out.dtype == torch.float32
    per_element = math.log(1 + math.e) if cls is BCELoss else 1.0
    assert out.item() == pytest.approx(4096 * per_element, rel=1e-4)


@pytest.mark.parametrize('cls', LOSSES)
def test_errors_name_shapes_and_choices(cls):
    with pytest.raises(ValueError, match=r'prediction \(2, 3, 1\) and target \(2, 3\)'):
        cls()(torch.zeros(2, 3, 1), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"'sum' .* or 'mean' .*, got 'none'"):
        cls(reduction='none')
