"""Both stages on procedural toys: generated toys are radiance fields.

    python tools/train.py configs/ddmi/procedural_nerf.py

Hardware and time: one CPU core, 8 minutes after stage 1.
Score: precision 0.89, recall 0.06, coverage 0.68 of 256 views of 64 samples (random features, see
benchmarks/results/radiance.md): trees, trucks and rockets, blurred.
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
