"""D2C-VAE on three planes at the published widths: radiance fields of colored point clouds.

Of three scales with coarse-to-fine conditioning, as all domains; the published setting has one:
``generator=dict(decoder=dict(strides=(1,)), readout=dict(num_extra_blocks=5))`` and
``renderer=dict(num_samples=256, num_importance=0)``. Unlike the published code, one box holds for
the encoder and the renderer and the read-out is not linear. ``coordinates='fourier'`` has as many
octaves as published, the lowest of the width of the box.
"""

model = dict(
    type='D2CVAE',
    latent_channels=64,
    layout=dict(
        axes=[dict(name=a, size=64) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
        latent_stride=4,
        align_corners=True,
    ),
    encoder=dict(
        type='PointPlaneEncoder',
        in_channels=6,
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
        reduce='concat',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=32,
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
            coordinates='fourier',
            num_frequencies=10,
            num_extra_blocks=3,
            head=dict(type='RadianceHead'),
        ),
    ),
    renderer=dict(type='VolumeRenderer', num_samples=128, num_importance=128, grid_resolution=64),
    losses=dict(recon=dict(type='L1Loss')),
    regularizer=dict(type='SpectralRegularizer'),
)
