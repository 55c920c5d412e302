"""A transformer that scales the shared weights of a sine network in groups (like LDMI).

A leaf states ``out_channels`` and sizes: as many parameters as the generator that it replaces.
"""

generator = dict(
    type='WeightGenerator',
    num_layers=4,
    network=dict(type='Siren', frequency=30.0),
    modulation=dict(type='GroupedWeights', num_groups=16),
    hypernetwork=dict(type='TransformerHypernetwork', num_layers=1, num_heads=4),
)
