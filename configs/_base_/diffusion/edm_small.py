"""EDM: preconditioned denoiser, log-normal noise levels in training, 18 steps of Heun's method."""

diffuser = dict(
    type='Diffuser',
    schedule=dict(
        type='EDMSchedule',
        sigma_min=0.002,
        sigma_max=80.0,
        log_mean=-0.5,  # published: -1.2 for data of spread 0.5, which latents have twice
        log_std=1.2,
    ),
    parameterization=dict(type='EDMPreconditioning', sigma_data=1.0),
    sampler=dict(type='Heun', num_steps=18, s_churn=0.0),
)
