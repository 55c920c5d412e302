"""As configs/ddmi/procedural_chair.py, by a transformer of as many parameters.

    python tools/train.py configs/ddmi/procedural_chair_dit.py

Hardware and time: two CPU cores, about 10 minutes.
Score: not measured yet; benchmarks/compare_denoisers.py compares it with the U-Net.
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
