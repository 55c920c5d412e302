"""Flow matching on straight paths, logit-normal times in training, 25 steps of Heun's method."""

diffuser = dict(
    type='Diffuser',
    schedule=dict(type='FlowSchedule', logit_normal=(0.0, 1.0)),
    parameterization=dict(type='FlowVelocity'),
    sampler=dict(type='FlowHeun', num_steps=25),
)
