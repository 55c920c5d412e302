"""Adam at a constant rate, as published; a higher rate (published: 3e-6) for short runs."""

train_cfg = dict(type='SeededTrainLoop', max_iters=4000, val_interval=1000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3e-4),
    clip_grad=dict(max_norm=1.0),
)
