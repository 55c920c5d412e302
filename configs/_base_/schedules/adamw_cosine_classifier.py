"""Small classifiers on CPUs: AdamW with a cosine."""

train_cfg = dict(type='SeededTrainLoop', max_iters=2000, val_interval=500)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.02),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=0.04),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0.04, end=1.0, T_max=0.96, eta_min=1e-5),
]
