"""Both stages on 240 photographs of animals, at 64 to 128 pixels.

    python tools/train.py configs/ddmi/animals_64.py

Hardware and time: one CPU core, 66 minutes beside other jobs.
Score: benchmarks/results/images.md; 216 pictures are for trying the path,
not for generating animals.
"""

_base_ = [
    '../_base_/diffusion/ddpm_v_small.py',
    '../_base_/denoisers/plane_unet_small.py',
    '../_base_/schedules/adamw_small.py',
    '../_base_/default_runtime.py',
]
first_stage_config = 'd2c_vae/animals_64.py'
latent_cache = dict(draws_per_item=2)  # each picture and its mirror
train_dataloader = dict(batch_size=8)
train_cfg = dict(max_iters=6000)
