"""Stage 1 as published for ShapeNet: 300 passes over 4.7 K chairs in batches of 12, steps of 5.

Published kappa is measured in iterations of one process of several, so that it never reaches its
end; here it is a fraction of the run. Lambda is interpolated by the fraction of that ramp.
"""

train_cfg = dict(type='SeededTrainLoop', max_iters=120_000, val_interval=5000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, betas=(0.9, 0.99), weight_decay=0.01),
    accumulative_counts=5,
)
warm_up = 5 / 300  # fraction of the run
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
    dict(
        type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.01, begin=1e-4, length=0.9
    ),
    dict(
        type='LossWeightHook',
        attribute='regularizer.weight',
        start=5.0,
        end=0.1,
        begin=1e-4,
        length=0.9,
        curve='exponential',
    ),
]
del warm_up
