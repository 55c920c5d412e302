"""GEM of pictures of 32 px: a latent of 256 numbers gates the weights of a ReLU network.

The latent is one vector: its plane's stride is its size.
"""

custom_imports = dict(imports=['gem'])
model = dict(
    type='GEM',
    latent_channels=256,
    layout=dict(
        axes=[dict(name='x', size=32), dict(name='y', size=32)], planes=['xy'], latent_stride=32
    ),
    generator=dict(
        type='WeightGenerator',
        out_channels=3,
        width=96,
        num_layers=4,
        # As many octaves as pixel centers see: the next one is at their Nyquist frequency.
        network=dict(type='FourierMLP', num_frequencies=4),
        modulation=dict(type='FactorizedWeights', rank=10),
        hypernetwork=dict(type='MLPHypernetwork', hidden_channels=128),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='MSELoss', reduction='mean')),
    distance=dict(type='MeanSquaredDistance'),
)
