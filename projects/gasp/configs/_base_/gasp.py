"""GASP: what images and shapes have in common. Two Adams, rates constant, no averaged weights."""

custom_imports = dict(imports=['gasp_project'])
generates = True
latent_channels = 64
generator = dict(
    type='WeightGenerator',
    num_layers=4,
    network=dict(type='RandomFourierMLP'),
    modulation=dict(type='FullWeights'),
    hypernetwork=dict(type='PlainHypernetwork'),
)
