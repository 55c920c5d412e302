"""DPF on ModelNet10 chairs.

PYTHONPATH=projects/dpf python tools/train.py projects/dpf/configs/modelnet10_chair_dpf.py
"""

_base_ = [
    'ddmi_toolkit::_base_/datasets/modelnet10_chair.py',
    'ddmi_toolkit::_base_/default_runtime.py',
    './_base_/dpf_small.py',
]
model = dict(
    layout=dict(
        axes=[dict(name=a, size=16, low=-0.55, high=0.55) for a in 'xyz'],
        planes=['xy', 'yz', 'xz'],
    ),
    out_channels=1,
    target_range=(0.0, 1.0),
    num_context=512,
)
# Uniform points, as those of a generated field's context are; surfaces are inputs of an encoder.
train_dataloader = dict(
    dataset=dict(
        near_surface=False,
        pipeline=[
            dict(type='SubsamplePoints', num_points=1024),
            dict(type='SubsampleSurface', num_points=1),
            dict(type='PackShape'),
        ],
    )
)
