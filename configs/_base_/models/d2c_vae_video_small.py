"""D2C-VAE of videos of 16 frames of 64x64 (a leaf may change sizes): 0.9 M parameters, for CPUs.

A training step on one clip, all of its 65,536 points included, takes 0.4 s on one core.
"""

model = dict(
    type='D2CVAE',
    latent_channels=16,
    layout=dict(
        axes=[
            dict(name='x', size=64),
            dict(name='y', size=64),
            dict(name='t', size=16, strided=False),
        ],
        planes=['xy', 'xt', 'yt'],
        latent_stride=4,
    ),
    encoder=dict(
        type='TimesformerEncoder',
        channels=64,
        depth=2,
        num_heads=2,
        head_channels=32,
        pool_depth=1,
    ),
    generator=dict(
        type='PEGenerator',
        reduce='concat',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=16,
            strides=(4, 2, 1),
            base_channels=32,
            channel_mult=(1, 2, 2),
            num_res_blocks=1,
            mix=dict(type='token', strides=(4,), num_heads=4),
        ),
        readout=dict(
            type='CFCReadout',
            width=32,
            head=dict(type='LinearHead', out_channels=3),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='L1Loss')),
)
