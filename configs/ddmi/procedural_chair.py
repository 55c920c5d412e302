"""Both stages on procedural chairs: the embedded example, which `make quickstart` runs.

    python tools/train.py configs/ddmi/procedural_chair.py

Hardware and time: two CPU cores, about 10 minutes.
Score: see README.md (distance of 64 samples to 64 held-out chairs).
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/procedural_chair.py'
train_cfg = dict(max_iters=2000)
default_hooks = dict(checkpoint=dict(interval=500))
