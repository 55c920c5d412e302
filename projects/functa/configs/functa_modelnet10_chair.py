"""Stage 1 of Functa on ModelNet10 chairs, at a size for CPUs.

PYTHONPATH=projects/functa python tools/train.py projects/functa/configs/functa_modelnet10_chair.py
"""

_base_ = [
    './_base_/functa_shape.py',
    'ddmi_toolkit::_base_/datasets/modelnet10_chair.py',
    './_base_/meta_learning_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
# Occupancies at points are observed, not the surface. In training those that are asked, too.
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        pipeline=[
            dict(type='SubsamplePoints', num_points=1024, near_share=0.25),
            dict(type='PackShape'),
            dict(type='ObserveTarget'),
        ]
    ),
)
# 10,000 points that were not among the 2048 observed: the queries of the other baselines.
observed = [
    dict(type='SubsamplePoints', num_points=12_048, replace=False),
    dict(type='PackShape'),
    dict(type='ObserveTarget', num_held_out=10_000),
]
val_dataloader = dict(dataset=dict(pipeline=observed))
test_dataloader = dict(dataset=dict(pipeline=observed))
del observed
