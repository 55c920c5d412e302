"""Stage 2 of small models: AdamW with a cosine, a fast moving average, cached latents."""

train_dataloader = dict(batch_size=16)
train_cfg = dict(type='SeededTrainLoop', max_iters=8000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=0.02),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0.02, end=1.0, T_max=0.98, eta_min=1e-5),
]
latent_cache = dict(draws_per_item=4, dtype='float16')
custom_hooks = [
    dict(
        type='SubmoduleEMAHook',
        momentum=1e-3,
        warmup=dict(begin=100, power=2 / 3),
    ),
    dict(type='LatentCacheHook'),
    dict(type='LatentStatsHook'),
    dict(type='VocabularyHook'),
    dict(type='SampleHook', interval=2000, seeds=8),
]
