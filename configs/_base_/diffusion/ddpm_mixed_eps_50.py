"""Published for images: as ``ddpm_mixed_eps``, with 50 DDIM steps."""

diffuser = dict(
    type='Diffuser',
    schedule=dict(type='ScaledLinearSchedule', num_steps=1000),
    parameterization=dict(type='Mixed', init=-6.0, inner=dict(type='Eps')),
    sampler=dict(type='DDIM', num_steps=50, eta=0.0),
)
