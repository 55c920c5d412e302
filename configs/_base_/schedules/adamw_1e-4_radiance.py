"""Stage 2 of radiance fields: batches of 32, steps of 5, as published; the length is ours.

The published stage 2 of radiance fields cannot run; these are the numbers of its config.
"""

train_dataloader = dict(batch_size=32)
train_cfg = dict(type='SeededTrainLoop', max_iters=300_000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.01),
    accumulative_counts=5,
)
latent_cache = dict(draws_per_item=4, dtype='float16')
custom_hooks = [
    # Published: decay 0.9999 at every fifth optimizer step, copying for the first 100 updates.
    dict(
        type='SubmoduleEMAHook',
        momentum=1e-4,
        interval=25,
        warmup=dict(begin=500, power=2 / 3, inv_gamma=5.0),
    ),
    dict(type='LatentCacheHook'),
    dict(type='SampleHook', interval=10_000, seeds=4),
]
