"""Stage 2 of videos as published: batches of 2, a step each; the length of the run is ours."""

train_dataloader = dict(batch_size=2)
train_cfg = dict(type='SeededTrainLoop', max_iters=1_500_000)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01))
latent_cache = dict(draws_per_item=4, dtype='float16')
custom_hooks = [
    # Published: decay 0.9999 at every fifth step, copying for the first 100 updates.
    dict(
        type='SubmoduleEMAHook',
        momentum=1e-4,
        interval=5,
        warmup=dict(begin=500, power=2 / 3, inv_gamma=5.0),
    ),
    dict(type='LatentCacheHook'),
    dict(type='SampleHook', interval=50_000, seeds=4),
]
