"""Stage 1 on ShapeNet cars (SRN, 128 px) at the published widths, with three scales.

    python tools/train.py configs/d2c_vae/srn_cars_128.py

Data: the cars of Scene Representation Networks below data/srn_cars (docs/data.md).
Hardware and time: written for a GPU; not trained by us yet.
Score: none published.
"""

_base_ = [
    '../_base_/models/d2c_vae_radiance.py',
    '../_base_/datasets/srn_cars_128.py',
    '../_base_/schedules/adamw_cosine_radiance.py',
    '../_base_/default_runtime.py',
]
model = dict(
    # Published: 20 on colors in [0, 1], of 5000 rays.
    losses=dict(recon=dict(weight=10.0)),
    regularizer=dict(weight=0.1),
)
