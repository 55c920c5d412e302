"""A transformer on patches of 2x2, made for CPUs: 2.9 M parameters on three planes.

As many as ``plane_unet_stacked_small`` on latents of 8 channels and planes of 8x8 (48 patches).
"""

denoiser = dict(
    type='PlaneDiT', patch_size=2, hidden_channels=192, depth=4, num_heads=6, mlp_ratio=4.0
)
