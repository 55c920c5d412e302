"""Layouts and small generators that the tests of this folder share."""

import pytest
import torch

from ddmi_toolkit.registry import MODELS
from ddmi_toolkit.structures import PlaneLayout

LAYOUTS = {
    'line': dict(axes=[dict(name='t', size=16)], planes=['t']),
    'image': dict(axes=[dict(name='x', size=16), dict(name='y', size=8)], planes=['xy']),
    'two': dict(
        axes=[dict(name='x', size=8), dict(name='y', size=4), dict(name='z', size=8)],
        planes=['xy', 'yz'],
        align_corners=True,
    ),
    'shape': dict(
        axes=[dict(name=a, size=8, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
        align_corners=True,
    ),
    'video': dict(
        axes=[
            dict(name='x', size=8),
            dict(name='y', size=8),
            dict(name='t', size=3, strided=False),
        ],
        planes=['xy', 'xt', 'yt'],
    ),
}
READOUT = dict(type='CFCReadout', width=8, head=dict(type='LinearHead', out_channels=2))
DECODER = dict(
    type='BasisFieldDecoder',
    out_channels=4,
    base_channels=8,
    channel_mult=(1, 1, 2),
    num_res_blocks=1,
    mix='token',
)
WEIGHTS = dict(type='WeightGenerator', out_channels=2, width=8, num_layers=3)
MLP = dict(type='MLPHypernetwork', hidden_channels=8)
GENERATORS = {
    'sum': dict(type='PEGenerator', decoder=DECODER, readout=READOUT),
    'concat': dict(
        type='PEGenerator',
        decoder=dict(DECODER, strides=(4, 1), finest_head='conv1x1'),
        readout=dict(READOUT, type='ConcatReadout', coordinates='fourier'),
        reduce='concat',
    ),
    'cfc_sum': dict(
        type='PEGenerator',
        decoder=dict(DECODER, strides=(2,)),
        readout=dict(READOUT, combine='sum', coordinates='linear'),
    ),
    'styled': dict(
        type='PEGenerator',
        decoder=dict(DECODER, strides=(4, 2)),
        readout=dict(
            READOUT,
            modulation=dict(type='ScaleStyle', style_channels=8, embed_channels=4),
            head=dict(type='StyledHead', out_channels=2),
        ),
    ),
    'weights': dict(WEIGHTS, hypernetwork=MLP),
    'factorized': dict(
        WEIGHTS, hypernetwork=MLP, modulation=dict(type='FactorizedWeights', rank=2)
    ),
    'shift': dict(
        WEIGHTS,
        hypernetwork=MLP,
        modulation=dict(type='ShiftedBiases'),
        network=dict(type='Siren', frequency=3.0),
    ),
    'transformer': dict(
        WEIGHTS,
        hypernetwork=dict(
            type='TransformerHypernetwork', hidden_channels=8, num_layers=1, num_heads=2
        ),
        modulation=dict(type='GroupedWeights', num_groups=4),
        network=dict(type='Siren', frequency=3.0),
    ),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    """A layout of one, two or three planes, equal or not, with corners aligned or not."""
    return PlaneLayout(**LAYOUTS[request.param])


@pytest.fixture(params=GENERATORS)
def generator(request, layout):
    """A small generator in float64 whose parameters have all left their initial zeros."""
    torch.manual_seed(0)
    module = MODELS.build(
        GENERATORS[request.param], default_args=dict(layout=layout, in_channels=3)
    )
    for p in module.parameters():
        p.data += 0.1 * torch.randn(p.shape)
    return module.double().eval()
