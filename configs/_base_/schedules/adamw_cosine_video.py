"""Stage 1 of videos as published: batches of 2, steps of 5, a warm-up of 5 of 200 passes.

Published lengths are passes over a copy of the set; here they are iterations, and the length of the
run is ours: ``train_cfg.max_iters`` alone changes it.
"""

train_cfg = dict(type='SeededTrainLoop', max_iters=400_000, val_interval=20_000)
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
del warm_up
