"""Stage 1 of small models on CPUs: AdamW with a cosine; a leaf states the length of the run."""

train_cfg = dict(type='SeededTrainLoop', max_iters=5000, val_interval=1000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3e-3, betas=(0.9, 0.99), weight_decay=0.01, fused=True),
    clip_grad=dict(max_norm=100.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=0.02),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0.02, end=1.0, T_max=0.98, eta_min=1e-5),
]
custom_hooks = [
    dict(type='LossWeightHook', attribute='kl_weight', start=1e-4, end=0.01, begin=0.0, length=0.9)
]
