"""GEM on CIFAR-10's cats and dogs, at a size for CPUs. Tests samples.

PYTHONPATH=projects/gem python tools/train.py projects/gem/configs/gem_catdog_32.py
"""

_base_ = [
    './_base_/gem_image.py',
    'ddmi_toolkit::_base_/datasets/catdog_32.py',
    './_base_/auto_decoder_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
generates = True
model = dict(num_items=1400)
# Not flipped: an item has one latent.
crop = dict(type='MultiScaleCrop', input_size=32, magnifications=[1], probabilities=[1])
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=[crop, dict(type='ItemIndex')]))
val_dataloader = None
val_evaluator = None
val_cfg = None
del crop
