"""D2C-VAE on three planes at the published widths: shapes as occupancy fields."""

model = dict(
    type='D2CVAE',
    latent_channels=64,
    layout=dict(
        axes=[dict(name=a, size=64, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
        latent_stride=4,
        align_corners=True,
    ),
    encoder=dict(
        type='PointPlaneEncoder',
        in_channels=3,
        hidden_channels=256,
        point_channels=32,
        num_blocks=7,
        base_channels=64,
        channel_mult=(1, 2, 4),
        num_res_blocks=2,
        z_channels=128,
        mix='channel',
    ),
    generator=dict(
        type='PEGenerator',
        reduce='sum',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=64,
            strides=(4, 2, 1),
            base_channels=64,
            channel_mult=(1, 2, 4),
            num_res_blocks=3,
            z_channels=128,
            mix='channel',
        ),
        readout=dict(
            type='CFCReadout',
            width=256,
            coordinates='linear',
            head=dict(type='LinearHead', out_channels=1),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='BCELoss')),
    regularizer=dict(type='SpectralRegularizer'),
)
