"""DiT-B/2 (Peebles and Xie 2023) on the patches of all planes: 131 M parameters.

Planes of 16x16 (the published shapes) are 192 patches, one plane of 64x64 (the published images)
1024; a time axis that is not to be cut needs ``patch_size=dict(x=2, y=2, t=1)``. DiT-XL/2 has
``hidden_channels=1152, depth=28, num_heads=16`` and as many parameters as the published U-Net of
shapes (675 M and 679 M). The sizes are the authors' own for images; no weights were published for
these latents.
"""

denoiser = dict(
    type='PlaneDiT', patch_size=2, hidden_channels=768, depth=12, num_heads=12, mlp_ratio=4.0
)
