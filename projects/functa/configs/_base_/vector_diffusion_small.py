"""A diffusion of vectors: a residual network on standardized latents, noise predicted by V."""

_base_ = 'ddmi_toolkit::_base_/diffusion/ddpm_v_small.py'
model = dict(normalize_latents=True)
denoiser = dict(type='ResidualMLP', hidden_channels=512, num_blocks=4, dropout=0.1)
