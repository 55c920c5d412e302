"""GASP on CIFAR-10's cats and dogs.

    PYTHONPATH=projects/gasp python tools/train.py projects/gasp/configs/gasp_catdog_32.py

Hardware, time and score: see projects/gasp/README.md.
"""

_base_ = [
    './_base_/gasp_image.py',
    'ddmi_toolkit::_base_/datasets/catdog_32.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
