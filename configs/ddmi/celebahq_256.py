"""Both stages on CelebA-HQ as published.

    python tools/train.py configs/ddmi/celebahq_256.py

Hardware and time: written for 4 GPUs; not trained by us yet. The modules and sizes are checked
against the published ones (docs/published_weights.md).
Score to reach (paper): FID 9.74 / 8.73 / 7.25 / 10.44 at 64 / 128 / 256 / 384 px,
precision 0.734, recall 0.408.
"""

_base_ = [
    '../_base_/diffusion/ddpm_mixed_eps_50.py',
    '../_base_/denoisers/plane_unet_celebahq.py',
    '../_base_/schedules/adamw_1e-4_image.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/celebahq_256.py'
train_dataloader = dict(batch_size=5)
train_cfg = dict(max_iters=9_000_000)  # 1500 passes over 30,000 pictures
