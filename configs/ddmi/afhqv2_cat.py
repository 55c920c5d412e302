"""Both stages on AFHQv2 cats as published.

    python tools/train.py configs/ddmi/afhqv2_cat.py

Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score to reach (paper): FID 5.88 / 4.27 / 7.94 at 128 / 256 / 384 px (64 px: none).
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps_50.py',
    '../_base_/denoisers/plane_unet_afhqv2.py',
    '../_base_/schedules/adamw_1e-4_image.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/afhqv2_cat.py'
train_dataloader = dict(batch_size=4)
train_cfg = dict(max_iters=1_930_000)  # 1500 passes
