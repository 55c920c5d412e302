"""Functa of shapes: a latent of 256 numbers shifts the biases of a sine network of occupancy.

The latent is one vector: one line whose stride is its size stands for its place.
"""

custom_imports = dict(imports=['functa'])
model = dict(
    type='Functa',
    latent_channels=256,
    layout=dict(
        axes=[dict(name=a, size=32, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['x'],
        latent_stride=32,
    ),
    generator=dict(
        type='WeightGenerator',
        out_channels=1,
        width=96,
        num_layers=6,
        network=dict(type='Siren', frequency=30.0),
        modulation=dict(type='ShiftedBiases', is_scaled=False),
        hypernetwork=dict(type='LinearHypernetwork'),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='BCELoss', reduction='mean')),
)
