"""Published: scaled-linear betas, noise prediction mixed with that of the prior, 200 DDIM steps."""

diffuser = dict(
    type='Diffuser',
    schedule=dict(type='ScaledLinearSchedule', num_steps=1000),
    parameterization=dict(type='Mixed', init=-6.0, inner=dict(type='Eps')),
    sampler=dict(type='DDIM', num_steps=200, eta=0.0),
)
