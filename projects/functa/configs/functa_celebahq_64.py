"""Stage 1 of Functa on CelebA-HQ at 64 px, with the published sizes.

Of the authors' code: 15 layers of 512, frequency 30, a latent of 256 (they publish 64 to 1024),
batches of 16 on each device, Adam at 3e-6, 500,000 iterations. Not trained by us.
"""

_base_ = [
    './_base_/functa_image.py',
    'ddmi_toolkit::_base_/datasets/celebahq_256.py',
    './_base_/meta_learning_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
size = 64
axes = [dict(name=a, size=size) for a in 'xy']
model = dict(
    layout=dict(axes=axes, latent_stride=size),
    generator=dict(width=512, num_layers=15),
)
crop = dict(type='MultiScaleCrop', input_size=size, magnifications=[1], probabilities=[1])
whole = dict(type='PackImage', input_size=size)
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=[crop]))
val_dataloader = dict(dataset=dict(pipeline=[whole]))
test_dataloader = dict(dataset=dict(pipeline=[whole]))
test_evaluator = [dict(type='ImageQuality')]
train_cfg = dict(max_iters=500_000, val_interval=50_000)
optim_wrapper = dict(optimizer=dict(lr=3e-6), clip_grad=None)
del axes, crop, size, whole
