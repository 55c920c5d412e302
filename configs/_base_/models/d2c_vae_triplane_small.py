"""D2C-VAE on three planes of 32x32: 0.8 M parameters, made for CPUs and small sets.

Unlike the published widths, planes exchange by attention over all tokens at the latent stride only.
"""

mix = dict(type='token', strides=[4], num_heads=4)
model = dict(
    type='D2CVAE',
    latent_channels=8,
    layout=dict(
        axes=[dict(name=a, size=32, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
        latent_stride=4,
        align_corners=True,
    ),
    encoder=dict(
        type='PointPlaneEncoder',
        hidden_channels=32,
        point_channels=16,
        num_blocks=3,
        base_channels=32,
        channel_mult=(1, 1, 2),
        num_res_blocks=1,
        mix=mix,
    ),
    generator=dict(
        type='PEGenerator',
        reduce='sum',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=16,
            strides=(4, 2, 1),
            base_channels=32,
            channel_mult=(1, 1, 2),
            num_res_blocks=1,
            mix=mix,
        ),
        readout=dict(
            type='CFCReadout',
            width=64,
            coordinates='linear',
            head=dict(type='LinearHead', out_channels=1),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='BCELoss')),
)
del mix
