"""DPF on CIFAR-10's cats and dogs.

PYTHONPATH=projects/dpf python tools/train.py projects/dpf/configs/catdog_32_dpf.py
"""

_base_ = [
    'ddmi_toolkit::_base_/datasets/catdog_32.py',
    'ddmi_toolkit::_base_/default_runtime.py',
    './_base_/dpf_small.py',
]
model = dict(
    layout=dict(
        axes=[dict(name='x', size=32), dict(name='y', size=32)], planes=['xy'], latent_stride=1
    ),
    out_channels=3,
    denoiser=dict(num_frequencies=5),
)
