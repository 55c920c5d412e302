"""GASP on ShapeNet chairs in its published sizes.

    PYTHONPATH=projects/gasp python tools/train.py \\
        projects/gasp/configs/gasp_shapenet_chair_paper.py

Hardware and time: not trained by us. Score: none published on this split.
Published: 4096 places of a grid of 32^3, the same in a batch; here each shape has its own, of the
points of the data set, so that batches of 26 need more time for neighbors.
"""

_base_ = [
    './_base_/gasp_shape.py',
    'ddmi_toolkit::_base_/datasets/shapenet_chair.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
model = dict(
    generator=dict(width=128, hypernetwork=dict(widths=(256, 512))),
    adversarial=dict(
        set=dict(
            weight_channels=(16, 16, 16, 16),
            norm='batch',
            layers=[
                dict(channels=32, num_neighbors=8),
                dict(channels=64, num_neighbors=27),
                dict(num_points=512, num_neighbors=27),
                dict(channels=128, num_neighbors=27),
                dict(num_points=64, num_neighbors=27),
                dict(channels=256, num_neighbors=27),
                dict(num_points=8, num_neighbors=27),
            ],
        )
    ),
)
train_dataloader = dict(
    batch_size=26,
    dataset=dict(
        pipeline=[
            dict(type='SubsamplePoints', num_points=4096, replace=False),
            dict(type='SubsampleSurface', num_points=1),  # nothing is encoded
            dict(type='PackShape'),
        ],
    ),
)
train_cfg = dict(max_iters=35_000)  # 200 passes through 4600 chairs
optim_wrapper = dict(
    optimizer=dict(lr=2e-5),
    discriminator=dict(optimizer=dict(lr=8e-5)),
)
