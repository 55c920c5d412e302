"""Adam and averaged weights, as published, at a higher rate (published: 1e-4) for short runs.

The validation would be of reconstructions, each a search: it is left out.
"""

train_cfg = dict(type='SeededTrainLoop', max_iters=4000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=1e-3),
    clip_grad=dict(max_norm=1.0),
)
custom_hooks = [
    dict(type='SubmoduleEMAHook', momentum=1e-3, warmup=dict(begin=100, power=2 / 3)),
    dict(type='SampleHook', interval=1000, seeds=8),
]
