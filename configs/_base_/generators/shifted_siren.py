"""Shifts of the biases of a shared sine network: Functa's modulations, made by an encoder.

A leaf states ``out_channels`` and sizes: as many parameters as the generator that it replaces.
"""

generator = dict(
    type='WeightGenerator',
    num_layers=5,
    network=dict(type='Siren', frequency=30.0),
    modulation=dict(type='ShiftedBiases'),
    hypernetwork=dict(type='MLPHypernetwork'),
)
