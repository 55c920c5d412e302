"""GASP on ModelNet10 chairs.

    PYTHONPATH=projects/gasp python tools/train.py projects/gasp/configs/gasp_modelnet10_chair.py

Hardware, time and score: see projects/gasp/README.md.
"""

_base_ = [
    './_base_/gasp_shape.py',
    'ddmi_toolkit::_base_/datasets/modelnet10_chair.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
train_cfg = dict(max_iters=4000)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        near_surface=False,
        pipeline=[
            dict(type='SubsamplePoints', num_points=1024, replace=False),
            dict(type='SubsampleSurface', num_points=1),  # nothing is encoded
            dict(type='PackShape'),
        ],
    ),
)
