"""GEM on ModelNet10 chairs, at a size for CPUs. Tests samples.

PYTHONPATH=projects/gem python tools/train.py projects/gem/configs/gem_modelnet10_chair.py
"""

_base_ = [
    './_base_/gem_shape.py',
    'ddmi_toolkit::_base_/datasets/modelnet10_chair.py',
    './_base_/auto_decoder_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
generates = True
model = dict(num_items=600)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        pipeline=[
            dict(type='SubsamplePoints', num_points=1024, near_share=0.25),
            dict(type='PackShape'),
            dict(type='ItemIndex'),
        ]
    ),
)
# 10,000 points that were not among the 2048 observed.
observed = [
    dict(type='SubsamplePoints', num_points=12_048, replace=False),
    dict(type='PackShape'),
    dict(type='ObserveTarget', num_held_out=10_000),
]
test_dataloader = dict(dataset=dict(pipeline=observed))
val_dataloader = None
val_evaluator = None
val_cfg = None
del observed
