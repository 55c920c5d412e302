"""Both stages on 12 cars of Kenney's: generated cars are radiance fields.

    python tools/train.py configs/ddmi/kenney_cars.py

Hardware and time: one CPU core, half an hour.
Score: benchmarks/results/radiance.md; 12 cars are for trying the path.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_stacked_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/kenney_cars.py'
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=2000)
