"""Both stages on LSUN churches at the published widths; the setting is ours.

    python tools/train.py configs/ddmi/lsun_church_256.py

Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score: none known to us; FID at 64 / 128 / 256 px is what to report.
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps_50.py',
    '../_base_/denoisers/plane_unet_afhqv2.py',
    '../_base_/schedules/adamw_1e-4_image.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/lsun_church_256.py'
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=2_000_000)
