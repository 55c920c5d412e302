"""Velocity prediction on the same schedule: learns fast from few iterations; 50 DDIM steps."""

diffuser = dict(
    type='Diffuser',
    schedule=dict(type='ScaledLinearSchedule', num_steps=1000),
    parameterization=dict(type='V'),
    sampler=dict(type='DDIM', num_steps=50, eta=0.0),
)
