"""Gates of low rank on the shared weights of a ReLU network (INR-GAN's modulation).

A leaf states ``out_channels`` and sizes: as many parameters as the generator that it replaces.
"""

generator = dict(
    type='WeightGenerator',
    num_layers=4,
    network=dict(type='FourierMLP', num_frequencies=6),
    modulation=dict(type='FactorizedWeights', rank=10),
    hypernetwork=dict(type='MLPHypernetwork'),
)
