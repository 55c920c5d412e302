"""Stage 1 on ModelNet10 chairs: 600 for training, made from 32^3 voxels (docs/data.md).

    python tools/train.py configs/d2c_vae/modelnet10_chair.py

Hardware and time: see benchmarks/results/modelnet10_chair.md.
Score: the same file.
"""

_base_ = [
    '../_base_/models/d2c_vae_triplane_small.py',
    '../_base_/datasets/modelnet10_chair.py',
    '../_base_/schedules/adamw_cosine_small.py',
    '../_base_/default_runtime.py',
]
