"""D2C-VAE of videos at the published widths: 16 frames of 256x256 on the planes xy, xt and yt.

Planes exchange by attention over all tokens up to the level of 64x64, not at 128 and 256 as
published: attention at the finest level alone is 97 % of the published decoder's cost. The
published setting is ``mix=dict(strides=None)``.
"""

model = dict(
    type='D2CVAE',
    latent_channels=64,
    layout=dict(
        axes=[
            dict(name='x', size=256),
            dict(name='y', size=256),
            dict(name='t', size=16, strided=False),
        ],
        planes=['xy', 'xt', 'yt'],
        latent_stride=8,
    ),
    encoder=dict(
        type='TimesformerEncoder',
        channels=384,
        depth=8,
        num_heads=8,
        head_channels=64,
        pool_depth=4,
    ),
    generator=dict(
        type='PEGenerator',
        reduce='concat',
        decoder=dict(
            type='BasisFieldDecoder',
            out_channels=64,
            strides=(4, 2, 1),
            base_channels=64,
            channel_mult=(1, 2, 4, 8),
            num_res_blocks=3,
            num_heads=16,
            mix=dict(type='token', strides=(8, 4), num_heads=8, wide_heads=True),
        ),
        readout=dict(
            type='CFCReadout',
            width=256,
            head=dict(type='LinearHead', out_channels=3, slope=0.2),
        ),
    ),
    renderer=dict(type='PointRenderer'),
    losses=dict(
        recon=dict(type='L1Loss'),
        perceptual=dict(
            type='OneFrame',  # a random one of the clip, as published
            loss=dict(
                type='PerceptualLoss',
                backbone='vgg16',
                pretrained='{{$DDMI_WEIGHTS:weights}}/vgg16.pth',
            ),
        ),
    ),
    regularizer=dict(type='SpectralRegularizer'),
)
