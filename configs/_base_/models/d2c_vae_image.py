"""D2C-VAE of images at the published widths: one plane, a read-out modulated by the scale.

Two residual blocks per level as published for AFHQ; CelebA-HQ has three.
"""

model = dict(
    type='D2CVAE',
    latent_channels=64,
    layout=dict(
        axes=[dict(name='x', size=256), dict(name='y', size=256)],
        planes=['xy'],
        latent_stride=4,
    ),
    encoder=dict(
        type='ConvEncoder',
        base_channels=128,
        channel_mult=(1, 2, 4),
        num_res_blocks=2,
        z_channels=128,
    ),
    generator=dict(
        type='PEGenerator',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=64,
            strides=(4, 2, 1),
            base_channels=128,
            channel_mult=(1, 2, 4),
            num_res_blocks=3,  # published: one more than in the encoder
            z_channels=128,
        ),
        readout=dict(
            type='CFCReadout',
            width=256,
            block=dict(type='StyledBlock'),
            modulation=dict(type='ScaleStyle', style_channels=256, embed_channels=64),
            head=dict(type='StyledHead', out_channels=3),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(
        recon=dict(type='L1Loss'),
        perceptual=dict(
            type='PerceptualLoss',
            backbone='vgg16',
            pretrained='{{$DDMI_WEIGHTS:weights}}/vgg16.pth',
        ),
    ),
    regularizer=dict(type='SpectralRegularizer'),
)
