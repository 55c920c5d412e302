"""Stage 1 of radiance fields as published: a car per batch, steps of 10; the length is ours.

The published run is 4000 passes; its KL weight rises over nine tenths of them, whatever its config
says, and the spectral regularizer's weight is constant.
"""

train_cfg = dict(type='SeededTrainLoop', max_iters=2_000_000, val_interval=50_000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-5, betas=(0.9, 0.99), weight_decay=0.01),
    accumulative_counts=10,
)
warm_up = 5 / 4000  # fraction of the run
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
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.05, begin=1e-4, length=0.9)
]
del warm_up
