"""Stage 1 as published for images: 200 passes in steps of 5 batches; a leaf states the length.

Of the several ends of the KL weight that were published (0.001, 0.1, 0.5) this is the last.
"""

train_cfg = dict(type='SeededTrainLoop', max_iters=260_000, val_interval=10_000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.99), weight_decay=0.01),
    accumulative_counts=5,
)
warm_up = 5 / 200  # fraction of the run
param_scheduler = [
    dict(type='LinearLR', start_factor=0.2, by_epoch=False, begin=0, end=warm_up),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        begin=warm_up,
        end=1.0,
        T_max=1 - warm_up,
        eta_min=1e-6,
    ),
]
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.5, begin=1e-4, length=0.9),
    dict(
        type='LossWeightHook',
        attribute='regularizer.weight',
        start=5.0,
        end=0.1,
        begin=1e-4,
        length=0.9,
        curve='exponential',
    ),
    dict(type='ReconstructionHook', interval=10_000),
]
del warm_up
