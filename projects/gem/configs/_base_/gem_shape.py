"""GEM of shapes: a latent of 256 numbers gates the weights of a ReLU network of occupancy.

The latent is one vector: one line whose stride is its size stands for its place.
"""

custom_imports = dict(imports=['gem'])
model = dict(
    type='GEM',
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
        num_layers=4,
        network=dict(type='FourierMLP', num_frequencies=5),
        modulation=dict(type='FactorizedWeights', rank=10),
        hypernetwork=dict(type='MLPHypernetwork', hidden_channels=128),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='BCELoss', reduction='mean')),
    distance=dict(type='OccupiedDistance'),
)
