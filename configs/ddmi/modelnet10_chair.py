"""Both stages on ModelNet10 chairs.

    python tools/train.py configs/ddmi/modelnet10_chair.py

Hardware and time: see benchmarks/results/modelnet10_chair.md.
Score: the same file.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/modelnet10_chair.py'
train_cfg = dict(max_iters=4000)
