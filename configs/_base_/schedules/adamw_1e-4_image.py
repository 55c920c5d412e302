"""Stage 2 as published for images: 1500 passes, steps of 5 batches; a leaf states the length."""

train_cfg = dict(type='SeededTrainLoop', max_iters=1_900_000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.0),
    accumulative_counts=5,
)
latent_cache = dict(draws_per_item=2, dtype='float16')  # each picture and its mirror
custom_hooks = [
    # Published: decay 0.9999 at every tenth optimizer step, copying for the first 100 updates.
    dict(
        type='SubmoduleEMAHook',
        momentum=1e-4,
        interval=50,
        warmup=dict(begin=500, power=2 / 3, inv_gamma=5.0),
    ),
    dict(type='LatentCacheHook'),
    dict(type='SampleHook', interval=50_000, seeds=8),
]
