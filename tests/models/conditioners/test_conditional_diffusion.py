"""LatentDiffusion hands conditions to its denoiser: in training, in sampling, and without any."""

import pytest
import torch
from torch import nn

from ddmi_toolkit.models.denoisers import AbstractDenoiser
from ddmi_toolkit.registry import MODELS

SEED = torch.arange(6)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
FIRST_STAGE = dict(
    type='D2CVAE',
    layout=dict(
        axes=[dict(name='x', size=8), dict(name='y', size=8)], planes=['xy'], latent_stride=4
    ),
    latent_channels=2,
    encoder=dict(type='ConvEncoder', base_channels=8, channel_mult=(1, 1, 1), num_res_blocks=1),
    generator=dict(
        type='WeightGenerator',
        out_channels=3,
        width=8,
        hypernetwork=dict(type='MLPHypernetwork', hidden_channels=8),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='L1Loss')),
)


@MODELS.register_module(force=True)
class MemoDenoiser(AbstractDenoiser):
    """Predicts the mean of its condition vector; remembers the condition."""

    def __init__(self, channels, cond_channels=None):
        super().__init__()
        self.channels, self.cond_channels = channels, cond_channels
        self.scale = nn.Parameter(torch.ones(()))
        self.seen = None

    def forward(self, z_t, t, cond=None):
        self.seen = cond
        bias = 0 if cond is None else cond['vector'].mean(1).view(-1, 1, 1)
        return self.scale * (0.1 * z_t + bias)


def model(conditioner, **changes):
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type='LatentDiffusion',
            first_stage=FIRST_STAGE | changes.get('first_stage', {}),
            denoiser=changes.get('denoiser', dict(type='MemoDenoiser')),
            diffuser=dict(
                type='Diffuser',
                schedule=dict(type='ScaledLinearSchedule'),
                parameterization=dict(type='Eps'),
                sampler=dict(type='DDIM', num_steps=2),
            ),
            conditioner=conditioner,
        )
    )


@pytest.fixture
def labelled():
    net = model(dict(type='LabelConditioner', num_classes=3, channels=4, drop_probability=0.5))
    net.conditioner.null_vector.data.fill_(9.0)
    return net


def batch(net):
    channels, tokens = net.first_stage.latent_shape
    moments = torch.randn(6, 2 * channels, tokens, generator=torch.Generator().manual_seed(1))
    return dict(moments=moments, seed=SEED)


def test_denoiser_is_offered_the_width_of_the_condition(labelled):
    """Configs state it once."""
    assert labelled.denoiser.cond_channels == 4
    assert model(None).denoiser.cond_channels is None


def test_stacked_planes_take_conditions():
    """The wrapped network is built for the vector; samples follow their labels."""
    unet = dict(type='PlaneUNet', model_channels=64, channel_mult=(1,), num_res_blocks=1)
    axes = [dict(name=a, size=8) for a in 'xyz']
    net = model(
        dict(type='LabelConditioner', num_classes=3, channels=4),
        first_stage=dict(
            layout=dict(axes=axes, planes=['xy', 'yz', 'xz']),
            encoder=dict(
                type='PointPlaneEncoder', hidden_channels=8, base_channels=8, num_blocks=2
            ),
        ),
        denoiser=dict(type='StackedPlanes', denoiser=unet),
    )
    assert net.denoiser.denoiser.cond_embed.in_features == 4
    for parameter in net.denoiser.parameters():  # some are 0, so that the network begins as 0
        torch.nn.init.normal_(parameter, std=0.1)
    net.train()(**batch(net), cond=LABELS)['loss_diffusion'].backward()
    assert net.conditioner.embedding.weight.grad.abs().sum() > 0
    other = LABELS.clone()
    other[2] = 0
    changed = (net.sample(SEED, LABELS) - net.sample(SEED, other)).flatten(1).abs().amax(1)
    assert (changed > 1e-3).tolist() == [False, False, True, False, False, False]


def test_training_drops_by_seed_and_trains_the_embeddings(labelled):
    """The denoiser sees what the conditioner makes of the batch's seeds."""
    labelled.train()(**batch(labelled), cond=LABELS)['loss_diffusion'].backward()
    expected = labelled.conditioner(LABELS, SEED)['vector']
    assert torch.equal(labelled.denoiser.seen['vector'], expected)
    num_dropped = (expected == 9.0).all(1).sum()
    assert 0 < num_dropped < 6
    assert labelled.conditioner.embedding.weight.grad.abs().sum() > 0
    assert labelled.conditioner.null_vector.grad.abs().sum() > 0


def test_sampling_never_drops_and_none_is_null(labelled):
    """Also while the model is in training mode."""
    labelled.train().sample(SEED, LABELS)
    assert torch.equal(
        labelled.denoiser.seen['vector'], labelled.conditioner.embed(LABELS)['vector']
    )
    labelled.sample(SEED)
    assert (labelled.denoiser.seen['vector'] == 9.0).all()


def test_samples_follow_their_condition(labelled):
    """Changing one label changes that sample alone."""
    labels = LABELS.clone()
    labels[2] = 0
    changed = (labelled.sample(SEED, LABELS) != labelled.sample(SEED, labels)).flatten(1).any(1)
    assert changed.tolist() == [False, False, True, False, False, False]


def test_predict_takes_raw_conditions(labelled):
    """One field per seed, decoded from the conditional sample."""
    out = labelled.eval()(seed=SEED, cond=LABELS, mode='predict')
    assert [o['seed'] for o in out] == SEED.tolist()
    assert torch.equal(
        labelled.denoiser.seen['vector'], labelled.conditioner.embed(LABELS)['vector']
    )


def test_without_a_conditioner_the_condition_passes_as_it_is():
    """Whoever makes the vector elsewhere hands it over."""
    net, cond = model(None), dict(vector=torch.ones(6, 4), context=None)
    net(**batch(net), cond=cond)
    assert net.denoiser.seen is cond
    net.sample(SEED, cond)
    assert net.denoiser.seen is cond


def test_state_with_a_conditioner_loads_strictly(labelled):
    """Its parameters are the model's."""
    state = labelled.state_dict()
    assert 'conditioner.null_vector' in state
    other = model(dict(type='LabelConditioner', num_classes=3, channels=4))
    other.load_state_dict(state, strict=True)
    assert torch.equal(other.conditioner.null_vector, labelled.conditioner.null_vector)
