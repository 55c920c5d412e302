"""Gates of low rank on the shared weights of a ReLU network (INR-GAN's modulation).

A leaf states ``out_channels`` and sizes: as many parameters as the generator that it replaces; and
``num_frequencies``, log2(nodes) - 1 octaves: the next one is at the Nyquist frequency of the finest
nodes, where pixel centers do not see it. This is for 32.
"""

generator = dict(
    type='WeightGenerator',
    num_layers=4,
    network=dict(type='FourierMLP', num_frequencies=4),
    modulation=dict(type='FactorizedWeights', rank=10),
    hypernetwork=dict(type='MLPHypernetwork'),
)
