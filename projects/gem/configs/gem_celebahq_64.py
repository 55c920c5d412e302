"""GEM on CelebA-HQ at 64 px, with the published sizes. Tests samples.

Of the authors' code: latents of 1024, networks of width 512, rank 10, Adam at 1e-4, averages of
decay 0.9999, batches of 512 of which 256 pixels each, 10 neighbors. Not trained by us.
"""

_base_ = [
    './_base_/gem_image.py',
    'ddmi_toolkit::_base_/datasets/celebahq_256.py',
    './_base_/auto_decoder_small.py',
    'ddmi_toolkit::_base_/default_runtime.py',
]
generates = True
size = 64
model = dict(
    num_items=29_000,
    latent_channels=1024,
    layout=dict(axes=[dict(name='x', size=size), dict(name='y', size=size)], latent_stride=size),
    generator=dict(
        width=512,
        num_layers=5,
        network=dict(num_frequencies=10),
        hypernetwork=dict(hidden_channels=1024, num_layers=3),
    ),
)
crop = dict(type='MultiScaleCrop', input_size=size, magnifications=[1], probabilities=[1])
train_dataloader = dict(batch_size=64, dataset=dict(pipeline=[crop, dict(type='ItemIndex')]))
val_dataloader = None
val_evaluator = None
val_cfg = None
train_cfg = dict(max_iters=500_000)
optim_wrapper = dict(optimizer=dict(lr=1e-4), clip_grad=None)
del crop, size
