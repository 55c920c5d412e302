"""Generated weights: what each modulation can change, how networks start, what they compute."""

import itertools

import pytest
import torch
from torch import nn

from ddmi_toolkit.apis import load_field, save_field
from ddmi_toolkit.models.generators import (
    FactorizedWeights,
    FullWeights,
    GroupedWeights,
    ShiftedBiases,
    WeightGenerator,
)
from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout, Points

LAYOUT = PlaneLayout([dict(name='x', size=16), dict(name='y', size=16)], ['xy'], latent_stride=4)
MODULATIONS = {
    'full': dict(type='FullWeights'),
    'factorized': dict(type='FactorizedWeights', rank=3),
    'shift': dict(type='ShiftedBiases'),
    'grouped': dict(type='GroupedWeights', num_groups=4),
}
HYPERNETWORKS = {
    'mlp': dict(type='MLPHypernetwork', hidden_channels=16),
    'transformer': dict(type='TransformerHypernetwork', hidden_channels=16, num_layers=1),
}
NETWORKS = {
    'relu': dict(type='FourierMLP'),
    'sine': dict(type='Siren'),
    'random': dict(type='RandomFourierMLP', num_frequencies=32),
}


def build(modulation='full', hypernetwork='mlp', network='relu', **changes):
    torch.manual_seed(0)
    config = dict(
        out_channels=1,
        width=32,
        num_layers=4,
        modulation=MODULATIONS[modulation],
        hypernetwork=HYPERNETWORKS[hypernetwork],
        network=NETWORKS[network] if isinstance(network, str) else network,
    )
    return WeightGenerator(LAYOUT, 3, **(config | changes))


def latents(batch=2):
    return torch.randn(batch, 3, LAYOUT.num_tokens(), generator=torch.Generator().manual_seed(1))


def places(batch=2, count=500):
    points = torch.rand(1, count, 2, generator=torch.Generator().manual_seed(2)) * 2 - 1
    return Points(points.expand(batch, -1, -1), LAYOUT)


def numbers_for(modulation, base, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, *modulation.tokens(*base.weight.shape), generator=generator)


@pytest.mark.parametrize('name', MODULATIONS)
def test_no_numbers_leave_the_shared_weights(name):
    modulation, base = MODELS.build(MODULATIONS[name]), nn.Linear(5, 8)
    weight, bias = modulation(base, torch.zeros_like(numbers_for(modulation, base)), 0.3)
    torch.testing.assert_close(weight, base.weight.expand(2, -1, -1))
    torch.testing.assert_close(bias, base.bias.expand(2, -1))


def test_full_numbers_reach_any_weights():
    """The deviation that leads to given weights is found by dividing through the unit."""
    modulation, base, wanted = FullWeights(), nn.Linear(5, 8), nn.Linear(5, 8)
    deviation = torch.cat(
        [
            (wanted.weight - base.weight) / 0.3,
            ((wanted.bias - base.bias) * 15**0.5)[:, None],
        ],
        dim=1,
    )
    weight, bias = modulation(base, deviation[None], 0.3)
    torch.testing.assert_close(weight[0], wanted.weight)
    torch.testing.assert_close(bias[0], wanted.bias)


@pytest.mark.parametrize('rank', [1, 3])
def test_factorized_gates_have_the_rank_asked_for(rank):
    modulation, base = FactorizedWeights(rank), nn.Linear(7, 8).double()
    weight, _ = modulation(base, numbers_for(modulation, base).double(), 1.0)
    gate = weight / (2 * base.weight)
    assert ((gate > 0) & (gate < 1)).all()
    singular = torch.linalg.svdvals(torch.logit(gate))
    assert (singular[:, rank - 1] > 1e-3).all()
    assert (singular[:, rank:] < 1e-6).all()


def test_factorized_numbers_are_those_of_the_formula():
    """First the rows of ``A``, then those of ``B``, then the biases."""
    modulation, base = FactorizedWeights(2), nn.Linear(3, 4)
    numbers = numbers_for(modulation, base)
    weight, bias = modulation(base, numbers, 1.0)
    a, b, own = numbers[1, 0].split([8, 6, 4])
    logit = a.view(4, 2) @ b.view(2, 3)
    torch.testing.assert_close(weight[1], 2 * base.weight * torch.sigmoid(logit))
    torch.testing.assert_close(bias[1], base.bias + own / 3)


def test_shifts_change_all_biases_but_the_last_and_no_weights():
    field = build('shift')(latents())
    for i in range(4):
        weight, bias = field.state[f'layer{i}.weight'], field.state[f'layer{i}.bias']
        assert torch.equal(weight[0], weight[1])
        assert torch.equal(bias[0], bias[1]) == (i == 3)


def test_groups_share_their_factors():
    modulation, base = GroupedWeights(4), nn.Linear(5, 8)
    numbers = numbers_for(modulation, base)
    weight, bias = modulation(base, numbers, 1.0)
    factor = weight / base.weight
    torch.testing.assert_close(factor[:, :4], factor[:, 4:])
    torch.testing.assert_close(factor[:, :4], 1 + numbers[..., :5])
    torch.testing.assert_close(bias[:, 4:], base.bias[4:] * (1 + numbers[..., 5]))


def test_few_channels_are_as_many_groups():
    assert GroupedWeights(16).tokens(3, 5) == (3, 6)
    with pytest.raises(ValueError, match='num_groups=6 does not divide the 8 output channels'):
        GroupedWeights(6).tokens(8, 5)


@pytest.mark.parametrize(
    ('modulation', 'hypernetwork', 'network'),
    list(itertools.product(MODULATIONS, HYPERNETWORKS, NETWORKS)),
)
def test_every_combination_starts_alive(modulation, hypernetwork, network):
    """Every parameter has a gradient; of rectified networks, fields differ little at first.

    A shift of a sine network's first layers moves its waves by whole periods.
    """
    generator = build(modulation, hypernetwork, network)
    values = generator(latents())(places())
    difference = (values[0] - values[1]).abs().mean()
    assert 1e-5 < difference < (0.5 if network == 'relu' else 2.0) * values.std()
    values.square().sum().backward()
    dead = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize(
    ('name', 'network'), [('shift', 'sine'), ('grouped', 'sine'), ('full', 'random')]
)
def test_fields_of_shared_weights_are_saved_whole(name, network, tmp_path):
    """Also the frequencies that were drawn."""
    field = build(name, network=network)(latents())
    loaded = load_field(save_field(field[1], tmp_path / 'one.safetensors'))
    assert torch.equal(loaded(places(1)), field[1](places(1)))


def test_siren_computes_sines():
    """Two layers written out by hand."""
    generator = build('shift', network='sine', num_layers=2, width=2, out_channels=1)
    state = {
        'layer0.weight': torch.tensor([[[0.1, 0.0], [0.0, 0.2]]]),
        'layer0.bias': torch.tensor([[0.0, 0.05]]),
        'layer1.weight': torch.tensor([[[2.0, -1.0]]]),
        'layer1.bias': torch.tensor([[0.5]]),
    }
    coords = places(1)
    x, y = coords.dense()[..., 0], coords.dense()[..., 1]
    expected = 2 * torch.sin(3 * x) - torch.sin(6 * y + 1.5) + 0.5
    torch.testing.assert_close(generator.evaluator(state, coords)[..., 0], expected)


@pytest.mark.parametrize('is_bounded', [False, True])
def test_random_fourier_networks_compute_waves_of_their_frequencies(is_bounded):
    """Two layers written out by hand: the first one picks a cosine and a sine."""
    network = dict(type='RandomFourierMLP', num_frequencies=2, is_bounded=is_bounded)
    generator = build(network=network, num_layers=2, width=2, out_channels=1)
    frequencies = generator.evaluator.frequencies
    frequencies.copy_(torch.tensor([[1.0, 0.0], [0.5, 2.0]]))
    state = {
        'layer0.weight': torch.eye(4)[None, [0, 3]],
        'layer0.bias': torch.zeros(1, 2),
        'layer1.weight': torch.tensor([[[1.0, 2.0]]]),
        'layer1.bias': torch.tensor([[0.5]]),
    }
    coords = places(1)
    x, y = coords.dense()[..., 0], coords.dense()[..., 1]
    waves = torch.stack([(2 * torch.pi * x).cos(), (torch.pi * (x + 4 * y)).sin()])
    waves = torch.where(waves > 0, waves, 0.1 * waves)
    expected = waves[0] + 2 * waves[1] + 0.5
    expected = expected.tanh() if is_bounded else expected
    torch.testing.assert_close(
        generator.evaluator(state, coords)[..., 0], expected, atol=2e-5, rtol=1e-4
    )


def test_without_frequencies_a_network_sees_coordinates():
    generator = build(network=dict(type='RandomFourierMLP', num_frequencies=0))
    x = places().dense()
    assert generator.evaluator.features(x) is x
    assert generator.base[0].in_features == 2


@pytest.mark.parametrize('network', NETWORKS)
def test_networks_see_the_box_as_plus_minus_one(network):
    """The same weights over another box give the same values at the corresponding places."""
    other = PlaneLayout([dict(name='x', size=16, low=0, high=3), dict(name='y', size=16)], ['xy'])
    state = build(network=network)(latents()).state
    unit = places().dense()
    moved = torch.stack([1.5 * (unit[..., 0] + 1), unit[..., 1]], dim=-1)
    evaluators = [
        MODELS.build(dict(NETWORKS[network], layout=layout.config, num_layers=4))
        for layout in (LAYOUT, other)
    ]
    evaluators[1].load_state_dict(evaluators[0].state_dict())  # frequencies that were drawn
    expected = evaluators[0](state, Points(unit, LAYOUT))
    torch.testing.assert_close(evaluators[1](state, Points(moved, other)), expected)


@pytest.mark.parametrize(
    ('network', 'bounds'),
    [
        ('relu', [(6 / 26) ** 0.5, (6 / 32) ** 0.5, (6 / 32) ** 0.5, (3 / 32) ** 0.5]),
        ('sine', [1 / 2, *[(6 / 32) ** 0.5 / 30] * 3]),
    ],
)
def test_shared_weights_start_within_the_published_bounds(network, bounds):
    for layer, bound in zip(build(network=network).base, bounds, strict=True):
        largest = layer.weight.abs().max()
        assert 0.8 * bound < largest <= bound


def test_fourier_features_are_octaves_from_the_width_of_the_box():
    """Period 2, the width of [-1, 1], then halves of it."""
    network = MODELS.build(dict(type='FourierMLP', layout=LAYOUT.config, num_layers=2))
    x = torch.rand(1, 5, 2)
    for octave in range(6):
        moved = network.features(x + 2 / 2**octave)[..., 2:].unflatten(-1, (6, 4))
        same = (moved - network.features(x)[..., 2:].unflatten(-1, (6, 4))).abs().amax((0, 1, 3))
        assert (same[octave:] < 1e-4).all()
        assert (same[:octave] > 1e-2).all()


def test_transformers_know_where_a_patch_is():
    generator = build('grouped', 'transformer').double()
    z = latents().double()
    numbers, permuted = (generator.hypernetwork(x)[1] for x in (z, z.roll(1, dims=-1)))
    assert (numbers - permuted).abs().max() > 1e-3 * numbers.abs().max()


@pytest.mark.parametrize('network', NETWORKS)
def test_layers_keep_the_scale_of_their_inputs_at_the_start(network):
    """Sitzmann et al. 2020 for sines, He et al. 2015 for rectified layers: deep networks start."""
    generator = build(network=network, width=256, num_layers=7)
    state = {k: v[:1].detach() for k, v in generator(torch.zeros_like(latents())).state.items()}
    evaluator, deviations = generator.evaluator, []
    h = evaluator.features(places(1).dense())
    for i in range(6):
        h = h @ state[f'layer{i}.weight'].mT + state[f'layer{i}.bias'][:, None]
        h = evaluator.activate(h)
        deviations.append(h.std().item())
    assert max(deviations[1:]) < 1.5 * min(deviations[1:])


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match='num_layers must be at least 2, got 1'):
        build(num_layers=1)
    with pytest.raises(ValueError, match='rank must be at least 1, got 0'):
        FactorizedWeights(0)
    with pytest.raises(ValueError, match='num_groups must be at least 1, got 0'):
        GroupedWeights(0)
    with pytest.raises(ValueError, match='num_frequencies=-1 must not be negative'):
        build(network=dict(type='RandomFourierMLP', num_frequencies=-1))
    with pytest.raises(TypeError, match='expected AbstractWeightModulation'):
        WeightGenerator(LAYOUT, 3, 1, modulation=dict(type='FourierMLP'))
    assert ShiftedBiases().tokens(8, 5) == (1, 8)
