"""D2C-VAE of images of 32x32 (a leaf may change the size): 0.6 M parameters, made for CPUs.

No perceptual loss: it needs trained weights, which are a download.
"""

model = dict(
    type='D2CVAE',
    latent_channels=16,
    layout=dict(
        axes=[dict(name='x', size=32), dict(name='y', size=32)],
        planes=['xy'],
        latent_stride=4,
    ),
    encoder=dict(
        type='ConvEncoder',
        base_channels=16,
        channel_mult=(1, 2, 4),
        num_res_blocks=1,
        z_channels=16,
    ),
    generator=dict(
        type='PEGenerator',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=16,
            strides=(4, 2, 1),
            base_channels=16,
            channel_mult=(1, 2, 4),
            num_res_blocks=1,
            z_channels=16,
        ),
        readout=dict(
            type='CFCReadout',
            width=32,
            block=dict(type='StyledBlock'),
            modulation=dict(
                type='ScaleStyle',
                style_channels=32,
                embed_channels=8,
                scale_range=(0.5, 1.0),
            ),
            head=dict(type='StyledHead', out_channels=3),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(recon=dict(type='L1Loss')),
)
