"""As configs/d2c_vae/srn_cars_128.py, with one scale and 256 samples per ray as published.

    python tools/train.py configs/d2c_vae/srn_cars_128_single_scale.py

Hardware and time: as the config it is based on; not trained by us yet.
Score: none published.
"""

_base_ = './srn_cars_128.py'
model = dict(
    generator=dict(decoder=dict(strides=(1,)), readout=dict(num_extra_blocks=5)),
    renderer=dict(num_samples=256, num_importance=0),
)
