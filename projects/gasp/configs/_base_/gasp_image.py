"""GASP on images of 32 px, in sizes for CPUs; published sizes are in gasp_celebahq_64_paper.py.

A leaf or base states the data, the runtime and the length of the run.
"""

custom_imports = dict(imports=['gasp_project'])
generates = True
model = dict(
    type='FieldGAN',
    latent_channels=64,
    # One plane of one node: the latent is a vector.
    layout=dict(
        axes=[dict(name='x', size=32), dict(name='y', size=32)],
        planes=['xy'],
        latent_stride=32,
    ),
    generator=dict(
        type='WeightGenerator',
        out_channels=3,
        width=48,
        num_layers=4,
        network=dict(
            type='RandomFourierMLP',
            num_frequencies=48,
            frequency_std=2.0,
            is_bounded=True,
        ),
        modulation=dict(type='FullWeights'),
        hypernetwork=dict(type='PlainHypernetwork', widths=(96, 96)),
    ),
    renderer=dict(type='PointRenderer'),
    adversarial=dict(
        set=dict(
            type='SetAdversarialLoss',
            weight_channels=(16, 16),
            norm='none',
            layers=[
                dict(channels=24, num_neighbors=9),
                dict(num_points=256, num_neighbors=9),
                dict(channels=48, num_neighbors=9),
                dict(num_points=64, num_neighbors=9),
                dict(channels=96, num_neighbors=9),
                dict(num_points=16, num_neighbors=9),
            ],
        )
    ),
)
train_cfg = dict(type='SeededTrainLoop', max_iters=8000)
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='AdversarialOptimWrapperConstructor',
    optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999)),
    discriminator=dict(optimizer=dict(type='Adam', lr=8e-4, betas=(0.5, 0.999))),
)
custom_hooks = [dict(type='SampleHook', interval=500, seeds=16)]
