"""Both stages on procedural toys: generated toys are radiance fields.

    python tools/train.py configs/ddmi/procedural_nerf.py

Hardware and time: one CPU core.
Score: not trained by us yet.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_nerf.py'
latent_cache = dict(draws_per_item=1)
train_dataloader = dict(batch_size=16)
train_cfg = dict(max_iters=3000)
