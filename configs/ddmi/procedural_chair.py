"""Both stages on procedural chairs: the embedded example, which `make quickstart` runs.

    python tools/train.py configs/ddmi/procedural_chair.py

Hardware and time: two CPU cores, about 10 minutes.
Score: MMD-CD 0.0026, COV-CD 0.516 of 64 samples against 64 held-out chairs (training chairs:
0.0020 and 0.516; decoded N(0, I): 0.0564 and 0.359).
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_chair.py'
latent_cache = dict(draws_per_item=2)
train_cfg = dict(max_iters=2000)
default_hooks = dict(checkpoint=dict(interval=500))
