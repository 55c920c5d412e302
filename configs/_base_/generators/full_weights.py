"""All weights of a ReLU network over Fourier features, in place of embeddings (HyperNetworks).

A leaf states ``out_channels`` and sizes: as many parameters as the generator that it replaces.
"""

generator = dict(
    type='WeightGenerator',
    num_layers=4,
    network=dict(type='FourierMLP', num_frequencies=6),
    modulation=dict(type='FullWeights'),
    hypernetwork=dict(type='MLPHypernetwork'),
)
