_base_ = [
    '../_base_/models/d2c_vae_triplane.py',
    '../_base_/datasets/shapenet_13.py',
    '../_base_/schedules/adamw_cosine_120k.py',
    '../_base_/default_runtime.py',
]
