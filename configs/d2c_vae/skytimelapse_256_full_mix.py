"""As configs/d2c_vae/skytimelapse_256.py, with the published joint attention at every level.

Attention over the 73,728 positions of the finest level is nearly all of the decoder's cost.

    python tools/train.py configs/d2c_vae/skytimelapse_256_full_mix.py

Hardware and time: as the config it is based on; not trained by us yet.
Score: none published for stage 1 alone.
"""

_base_ = './skytimelapse_256.py'
model = dict(generator=dict(decoder=dict(mix=dict(strides=None))))
