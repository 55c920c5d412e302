"""Functa of pictures of 32 px: a latent of 256 numbers shifts the biases of a sine network.

The latent is one vector: its plane's stride is its size. Published: 512 x 15 layers.
"""

custom_imports = dict(imports=['functa'])
model = dict(
    type='Functa',
    latent_channels=256,
    layout=dict(
        axes=[dict(name='x', size=32), dict(name='y', size=32)], planes=['xy'], latent_stride=32
    ),
    generator=dict(
        type='WeightGenerator',
        out_channels=3,
        width=96,
        num_layers=6,
        network=dict(type='Siren', frequency=30.0),
        modulation=dict(type='ShiftedBiases', is_scaled=False),
        hypernetwork=dict(type='LinearHypernetwork'),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='MSELoss', reduction='mean')),
)
