"""Stage 1 of Functa on CIFAR-10's cats and dogs, at a size for CPUs.

PYTHONPATH=projects/functa python tools/train.py projects/functa/configs/functa_catdog_32.py
"""

_base_ = [
    './_base_/functa_image.py',
    'ddmi_toolkit::_base_/datasets/catdog_32.py',
    './_base_/meta_learning_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
train_dataloader = dict(batch_size=8)
