"""DPF made for CPUs: 0.7 M parameters, on the published noise schedule.

The network puts out a velocity, and the loss is its squared error, where both are the noise in the
paper: a noise that is predicted is divided by ``alpha``, which is 0.006 at first, and its error
with it; and short runs learn too little there, where the noise's own error is small.

A leaf states ``model.layout``, ``model.out_channels`` and the length of the run.
"""

custom_imports = dict(imports=['dpf'])
generates = True
model = dict(
    type='DiffusionField',
    num_context=256,
    num_queries=128,
    denoiser=dict(
        type='SetTransformer',
        hidden_channels=96,
        num_latents=64,
        depth=4,
        num_heads=4,
        read_depth=1,
    ),
    diffuser=dict(
        type='Diffuser',
        schedule=dict(type='LinearSchedule', num_steps=1000),
        parameterization=dict(type='V'),
        # As good as many steps of DDIM, and a field is denoised anew wherever it is asked.
        sampler=dict(type='UniPC', num_steps=12, order=2, spacing='log_snr'),
    ),
)
train_cfg = dict(type='SeededTrainLoop', max_iters=8000)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=0.02),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=0.02, end=1.0, T_max=0.98, eta_min=1e-5),
]
custom_hooks = [
    dict(type='SubmoduleEMAHook', momentum=1e-3, warmup=dict(begin=100, power=2 / 3)),
    dict(type='SampleHook', interval=2000, seeds=4),
]
