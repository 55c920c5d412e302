"""GASP on CelebA-HQ at 64 px in its published sizes.

    PYTHONPATH=projects/gasp python tools/train.py projects/gasp/configs/gasp_celebahq_64_paper.py

Hardware and time: not trained by us. Score: FID 13.5 at 64 px (as quoted in DPF and DDMI).
Sizes, rates and 300 passes in batches of 64 are those of the published config; the pictures held
out of training, here the last 1000, are not.
"""

_base_ = [
    './_base_/gasp_image.py',
    'ddmi_toolkit::_base_/datasets/celebahq_256.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
model = dict(
    layout=dict(
        axes=[dict(name='x', size=64), dict(name='y', size=64)],
        latent_stride=64,
    ),
    generator=dict(
        width=128,
        network=dict(num_frequencies=128),
        hypernetwork=dict(widths=(256, 512)),
    ),
    adversarial=dict(
        set=dict(
            weight_channels=(16, 16, 16, 16),
            norm='batch',
            layers=[
                dict(channels=64, num_neighbors=9),
                dict(num_points=1024, num_neighbors=9),
                dict(channels=128, num_neighbors=9),
                dict(num_points=256, num_neighbors=9),
                dict(channels=256, num_neighbors=9),
                dict(num_points=64, num_neighbors=9),
                dict(channels=512, num_neighbors=9),
                dict(num_points=16, num_neighbors=9),
            ],
        )
    ),
)
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        pipeline=[
            dict(type='Flip'),
            dict(type='MultiScaleCrop', input_size=64, magnifications=[1], probabilities=[1]),
        ]
    ),
)
train_cfg = dict(max_iters=136_000)  # 300 passes through 29,000 pictures
optim_wrapper = dict(
    optimizer=dict(lr=1e-4),
    discriminator=dict(optimizer=dict(lr=4e-4)),
)
