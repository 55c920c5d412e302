"""As configs/ddmi/procedural_chair.py, by a transformer of as many parameters.

    python tools/train.py configs/ddmi/procedural_chair_dit.py

Hardware and time: one CPU core, 6 minutes after stage 1.
Score: MMD-CD 0.0029, COV-CD 0.531, 1-NNA-CD 0.648 (the U-Net of procedural_chair, in the same time:
0.0025, 0.484, 0.594), see docs/diffusion.md.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_dit_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_chair.py'
latent_cache = dict(draws_per_item=2)
train_cfg = dict(max_iters=2000)
default_hooks = dict(checkpoint=dict(interval=500))
