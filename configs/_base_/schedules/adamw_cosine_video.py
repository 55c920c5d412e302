"""Stage 1 of videos: as that of images, with the KL weight published for videos.

Published lengths are passes over a copy of the set; here they are iterations, and the length of the
run is ours: ``train_cfg.max_iters`` alone changes it.
"""

_base_ = './adamw_cosine_image.py'
train_cfg = dict(max_iters=400_000, val_interval=20_000)
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.1, begin=1e-4, length=0.9),
    dict(
        type='LossWeightHook',
        attribute='regularizer.weight',
        start=5.0,
        end=0.1,
        begin=1e-4,
        length=0.9,
        curve='exponential',
    ),
    dict(type='ReconstructionHook', interval=20_000),
]
